/** Which back end a change gets, and which others a refusal names: with a kernel that replaces functions or does not. */

import { expect, test } from 'vitest';
import { type Problem, RootletError } from '../../../src/diag/problem.ts';
import { type Choice, chooseBackEnd } from '../../../src/dynamic/fit/choose-back-end.ts';
import type { Design } from '../../../src/dynamic/generation/design.ts';
import { Generation, type SlotBackEnd } from '../../../src/dynamic/generation/generation.ts';
import { FakeSys } from '../../../src/kernel/sys/fake.ts';
import { InputObject } from '../../../src/object/read/input.ts';
import { FreshNames } from '../../../src/state/fresh.ts';
import { BPF_PROG_LOAD } from '../../../src/uapi/commands.ts';
import { EINVAL, EPERM } from '../../../src/uapi/errno.ts';
import { BPF_PROG_TYPE_EXT } from '../../../src/uapi/program-types.ts';
import { needs } from '../../support/needs.ts';
import { compileAll, HEAD } from './support.ts';

const PAIR = 'struct pair { int first, second; };';
const SOURCES = {
  host: `${HEAD}${PAIR}
__weak __noinline int slot1(struct xdp_md *ctx) { volatile int r = 2; return ctx ? r : 0; }
__weak __noinline int pairs(struct xdp_md *ctx, struct pair *pair) { volatile int r = 2; return pair ? r : 0; }
__weak __noinline int tag(void *ctx __attribute__((btf_decl_tag("arg:ctx")))) { volatile int r = 2; return r; }
enum verdict { PASS = 2 };
__weak __noinline enum verdict other(struct xdp_md *ctx) { volatile enum verdict r = PASS; return r; }
SEC("xdp") int host(struct xdp_md *ctx) {
  struct pair p = {}; int r = slot1(ctx) + tag(ctx) + other(ctx); return pairs(ctx, &p) + r;
}`,
  part: `${HEAD} SEC("xdp") int part(struct xdp_md *ctx) { return 1; }`,
  pairs: `${HEAD}${PAIR} SEC("xdp") int part(struct xdp_md *ctx, struct pair *pair) { return 1; }`,
  tagged: `${HEAD} SEC("xdp") int part(void *ctx __attribute__((btf_decl_tag("arg:ctx")))) { return 1; }`,
  other: `${HEAD} SEC("xdp") void *part(struct xdp_md *ctx) { return 0; }`,
  events: `${HEAD}
__weak __noinline int slot1(void *ctx __attribute__((btf_decl_tag("arg:ctx")))) { volatile int r = 2; return r; }
SEC("tracepoint/sched/sched_process_fork") int host(void *ctx) { return slot1(ctx); }`,
  event: `${HEAD} SEC("tracepoint") int part(void *ctx) { return 1; }`,
} as const;
type Name = keyof typeof SOURCES;

/** Replies with an errno (0: takes them) to programs that replace functions. */
function kernelThat(errno: number): FakeSys {
  return new FakeSys(({ command, attr }) => {
    if (errno === 0 || command !== BPF_PROG_LOAD) return undefined;
    const type = new DataView(attr.buffer, attr.byteOffset).getUint32(0, true);
    return type === BPF_PROG_TYPE_EXT ? -errno : undefined;
  });
}

const clang = needs('clang');

clang.describe('the back end of a change', () => {
  const compiled = clang.reason === undefined ? compileAll(SOURCES) : undefined;
  if (compiled === undefined) return;
  const files = (name: Name): InputObject => InputObject.from(compiled[name]);

  const designOf = (rootlet: Name, fills: Readonly<Record<string, Name>>): Design => ({
    rootlet: files(rootlet),
    fills: Object.entries(fills).map(([slot, name]) => ({ slot, file: files(name), component: name })),
  });
  const running = (design: Design, via: SlotBackEnd): Generation =>
    new Generation({
      via,
      design,
      entry: 'host',
      main: 'host',
      programs: new Map(),
      maps: new Map(),
      states: new Map(),
      settings: new Map(),
      links: new Map(),
    });
  const choose = (design: Design, forced: SlotBackEnd | undefined, sys: FakeSys, old?: SlotBackEnd): Choice =>
    chooseBackEnd(
      {
        sys,
        options: {},
        main: 'host',
        old: old === undefined ? undefined : running(design, old),
        fresh: new FreshNames([]),
        settings: new Map(),
        given: new Map(),
        adopted: new Map(),
      },
      design,
      forced,
    );
  const refusal = (...given: Parameters<typeof choose>): readonly Problem[] => {
    try {
      choose(...given);
    } catch (error) {
      if (error instanceof RootletError) return error.problems;
      throw error;
    }
    throw new Error('was not refused');
  };

  test('without a wish: ext where kernel and slots allow it, else static', () => {
    const design = designOf('host', { slot1: 'part', pairs: 'pairs' });
    expect(choose(design, undefined, kernelThat(0)).via).toBe('ext');
    expect(choose(design, undefined, kernelThat(EPERM))).toMatchObject({
      via: 'static',
      reason: expect.stringMatching(/^relinked into one program; not ext: this kernel refuses.*EPERM/),
    });
    expect(choose(designOf('host', { tag: 'tagged' }), undefined, kernelThat(0))).toMatchObject({
      via: 'static',
      reason: expect.stringMatching(/not ext: slot tag: .*by its tag alone/),
    });
    expect(choose(designOf('host', {}), undefined, kernelThat(0)).via).toBe('static');
  });

  test('a program that fills slots of two prototypes cannot replace both', () => {
    const sys = kernelThat(0);
    expect(choose(designOf('host', { slot1: 'part', other: 'part' }), undefined, sys)).toMatchObject({
      via: 'static',
      reason: expect.stringMatching(
        /not ext: slot slot1: it fills slot "other" as well, which has another prototype/,
      ),
    });
    expect(choose(designOf('host', { other: 'part' }), undefined, sys).via).toBe('ext');
  });

  test.each([
    [EPERM, /this kernel refuses to replace functions \(freplace\): .*EPERM/],
    [EINVAL, /this kernel does not support replacing functions/],
  ])('errno %i for ext is a refusal of the platform', (errno, message) => {
    const [problem, ...others] = refusal(designOf('host', { slot1: 'part' }), 'ext', kernelThat(errno));
    expect(others).toEqual([]);
    expect(problem).toMatchObject({
      code: 'relink-via-kernel',
      class: 'platform',
      hint: '--slots static or --slots tail would work',
    });
    expect(problem?.message).toMatch(message);
  });

  test('a rule is a refusal of the input, and the kernel is not asked', () => {
    const sys = kernelThat(EPERM);
    const problems = refusal(designOf('host', { tag: 'tagged' }), 'ext', sys);
    expect(problems).toMatchObject([
      { code: 'relink-via', class: 'input', hint: '--slots static or --slots tail would work' },
    ]);
    expect(sys.calls).toEqual([]);
    expect(choose(designOf('host', { tag: 'tagged' }), 'tail', sys).via).toBe('tail');
    expect(sys.calls).toEqual([]);
  });

  // name of the rootlet, what is filled, what runs, what is requested, whether the kernel replaces, hint
  test.each([
    ['host', { pairs: 'pairs' }, 'tail', 'tail', true, '--slots ext or --slots static would work'],
    ['host', { pairs: 'pairs' }, 'static', 'tail', false, '--slots static would work'],
    ['host', { tag: 'tagged', pairs: 'pairs' }, 'static', 'tail', true, '--slots static would work'],
    ['host', { host: 'part' }, 'tail', 'tail', true, '--slots ext or --slots static would work'],
    ['events', { slot1: 'event' }, 'tail', 'ext', true, '--slots tail would work'],
    ['events', { slot1: 'event' }, undefined, 'ext', true, '--slots static or --slots tail would work'],
    [
      'events',
      { host: 'event' },
      'tail',
      'tail',
      true,
      /^no back end can do this: ext: .*void.*; static: the kernel cannot change the program on this kind of hook$/,
    ],
  ] as const)('%s %j, running by %s, %s', (rootlet, fills, old, forced, replaces, hint) => {
    const problems = refusal(designOf(rootlet, fills), forced, kernelThat(replaces ? 0 : EPERM), old);
    expect(problems.map(({ code }) => code)).toEqual(['relink-via']);
    expect(problems[0]?.hint).toEqual(typeof hint === 'string' ? hint : expect.stringMatching(hint));
  });

  test('what a hint names does work', () => {
    const sys = kernelThat(0);
    const fills = { tag: 'tagged', pairs: 'pairs' } as const;
    expect(choose(designOf('host', fills), 'static', sys).via).toBe('static');
    expect(() => choose(designOf('host', fills), 'ext', sys)).toThrow(/by its tag alone/);
  });

  test.each(['ext', 'static', 'tail', undefined] as const)('%s: what does not fit is refused', forced => {
    const problems = refusal(designOf('host', { slot1: 'other', slot2: 'part' }), forced, kernelThat(0));
    expect(problems.map(({ code }) => code)).toEqual(['relink-prototype', 'relink-no-slot']);
    expect(problems[1]?.hint).toBe('did you mean "slot1"?');
  });
});
