/** Chains that are optimized when they are loaded: one function, the same verdicts and counts, and the steps of the ladder. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ChainChange, ChainOptions } from '../../../src/chain/options.ts';
import { WatchedChain } from '../../../src/chain/watch/open.ts';
import { RootletError } from '../../../src/diag/problem.ts';
import type { Sys } from '../../../src/kernel/sys/sys.ts';
import { countFds } from '../../../src/kernel/testing.ts';
import { WATCH_COUNT } from '../../../src/link/watch/layout.ts';
import { readProgramTypes } from '../../../src/load/execute/program-functions.ts';
import { loadObject } from '../../../src/load/load.ts';
import { BPF_PROG_LOAD } from '../../../src/uapi/commands.ts';
import { E2BIG, EPERM } from '../../../src/uapi/errno.ts';
import { needs } from '../../support/needs.ts';
import { HEAD, kernel } from '../slots/support.ts';
import { ChainLab, openProgram } from './lab.ts';
import { member } from './members.ts';

const [DROP, PASS] = [1, 2];
const NAMES = ['one', 'two', 'three'] as const;
const HELPER = `static __attribute__((noinline)) __u32 twice(__u32 number) {
  static volatile __u32 calls; calls++; if (number & 1) calls += 2; if (number & 4) calls ^= number; return number * 2;
}
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} SHARED SEC(".maps");`;
const CODE =
  '__u32 key = 0; __u64 *all = bpf_map_lookup_elem(&SHARED, &key); if (all) *all += twice(verdict);';

/** The kernel, where loads of programs of chains are numbered from 1 and may have another result. */
function intercepting(answer: (load: number) => number | undefined) {
  let loads = 0;
  const syscall: Sys['syscall'] = (name, ...args) => {
    const [command, attr] = args;
    const isLoad = name === 'bpf' && command === BPF_PROG_LOAD && attr instanceof Uint8Array;
    const isChain = isLoad && new TextDecoder().decode(attr.subarray(48, 57)) === 'xdp_chain';
    return (isChain ? answer(++loads) : undefined) ?? kernel.syscall(name, ...args);
  };
  const sys = new Proxy(kernel, {
    get(target, key) {
      if (key === 'syscall') return syscall;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { sys, loads: () => loads };
}

/** The kernel, which refuses the first `count` loads with `errno`; a refused program is loaded again, for its log. */
const refusing = (count: number, errno: number) => intercepting(load => (load <= count ? -errno : undefined));

needs('bpf', 'ip', 'clang').describe('optimized chains', () => {
  let lab: ChainLab;
  beforeAll(() => {
    lab = new ChainLab('co');
    lab.compile({
      ...Object.fromEntries(
        NAMES.map((name, at) => [
          name,
          member({
            at,
            program: name,
            globals: HELPER.replaceAll('SHARED', `all_${name}`),
            code: CODE.replaceAll('SHARED', `all_${name}`),
          }),
        ]),
      ),
      'two.v2': member({ at: 1, program: 'two', version: 1 }),
      tiny: `${HEAD}SEC("xdp") int tiny(struct xdp_md *ctx) { return XDP_PASS; }`,
      reads: member({ code: 'verdict = data[500];' }),
    });
  });
  afterEach(() => lab.reset());
  afterAll(() => lab.close());

  const options = (): ChainOptions => ({
    via: 'static',
    counters: false,
    load: { pinRoot: `${lab.bpffs}/maps` },
  });
  const load = (more: ChainOptions = {}, sys: Sys = kernel): ChainChange =>
    lab.change(
      { kind: 'load', members: NAMES.map(name => lab.member(name)) },
      { ...options(), ...more },
      sys,
    );
  const functions = (): string[] => {
    using program = openProgram(lab.running);
    return readProgramTypes(program).functions.map(({ name }) => name);
  };
  const requireVerdicts = () => {
    expect(lab.judge(PASS, PASS, PASS)).toBe(PASS);
    expect(lab.judge(PASS, DROP, PASS)).toBe(DROP);
    expect(lab.judge(3, DROP, PASS)).toBe(3);
    expect(NAMES.map(name => lab.word(name, 'counts', PASS))).toEqual([2, 1, 2]);
  };

  test('three members become one function, with the same verdicts, maps and counters', () => {
    const { notes } = load();
    expect({ step: lab.read().optimized, functions: functions(), notes }).toEqual({
      step: 'single',
      functions: ['xdp_chain'],
      notes: [],
    });
    requireVerdicts();
  });

  test('with counters: members are inlined where packets are not counted, and called where they are', () => {
    const { optimization } = load({ counters: true });
    const [chain] = optimization?.programs ?? [];
    expect(chain?.inlined.map(call => call.function)).toEqual(expect.arrayContaining([...NAMES]));
    expect(chain?.kept).toHaveLength(3);
    requireVerdicts();
    lab.wire.inside(() => {
      using watched = WatchedChain.open(lab.context(), lab.read());
      watched.set(WATCH_COUNT);
      expect(lab.judge(PASS, PASS, PASS)).toBe(PASS);
      expect(lab.judge(PASS, DROP, PASS)).toBe(DROP);
      const { members } = watched.read(0n);
      expect(members.map(({ counters }) => counters?.packets)).toEqual([2n, 2n, 2n]);
      watched.set(0);
    });
    expect(lab.judge(3, DROP, PASS)).toBe(3);
    expect(NAMES.map(name => lab.word(name, 'counts', PASS))).toEqual([4, 2, 4]);
  });

  test('-O0 keeps every function, and stays for later changes', () => {
    load({ optimize: { level: 0 } });
    expect(lab.read().optimized).toBe('none');
    expect(functions()).toEqual(expect.arrayContaining(['xdp_chain', 'one', 'two', 'three']));
    requireVerdicts();
    lab.replace('two', 'two.v2', options());
    expect(functions()).toContain('two');
    lab.replace('two', 'two', { ...options(), optimize: { level: 1 } });
    expect(functions()).toEqual(['xdp_chain']);
    expect(lab.word('one', 'counts', PASS)).toBe(2);
  });

  test('--no-inline keeps functions by the names that they have in their files', () => {
    load({ optimize: { level: 1, noInline: ['two', 'twice', 'gone'] } });
    const names = functions();
    expect(names.filter(name => /twice/.test(name))).toHaveLength(3);
    expect(names).toContain('two');
    expect(names).not.toContain('one');
    expect(lab.replace('two', 'two.v2', options()).notes).toEqual([
      '--no-inline gone has no effect: there is no such function',
    ]);
  });

  test('a function of --no-inline that a new version does not have is a note, and stays in force', () => {
    const noInline = ['twice', 'two'];
    const members = [lab.member('two')];
    lab.change({ kind: 'load', members }, { ...options(), optimize: { level: 1, noInline } });
    expect(functions()).toEqual(['xdp_chain', 'two', 'twice']);
    expect(lab.replace('two', 'two.v2', options()).notes).toEqual([
      '--no-inline twice has no effect: there is no such function',
    ]);
    expect(functions()).toEqual(['xdp_chain', 'two']);
    expect(lab.replace('two', 'two', options()).notes).toEqual([]);
    expect(functions()).toEqual(['xdp_chain', 'two', 'twice']);
  });

  test('what runs is what a design is compared with, not what was made of it', () => {
    load();
    const { running } = lab;
    const members = NAMES.map(name => lab.member(name));
    expect(lab.change({ kind: 'set', members }, options()).changed).toBe(false);
    expect(lab.running).toBe(running);
    expect(lab.change({ kind: 'set', members }, { ...options(), optimize: { level: 0 } }).changed).toBe(true);
  });

  test.each([
    [2, 'members'],
    [4, 'none'],
  ] as const)(
    'after %i refused loads the chain is at step %s, and nothing of the others stays',
    (count, step) => {
      const before = countFds();
      const { sys } = refusing(count, E2BIG);
      const { notes } = load({}, sys);
      expect(lab.read().optimized).toBe(step);
      expect(notes).toEqual([
        expect.stringMatching(
          step === 'none'
            ? /^interface "va": not optimized: .*refused single.*; .*refused members/
            : /^interface "va": optimized at step members: the verifier refused single: program "xdp_chain"/,
        ),
      ]);
      requireVerdicts();
      expect(countFds()).toBe(before);
      expect(lab.tree().filter(path => path.startsWith(`${lab.bpffs}/maps/all_`))).toHaveLength(3);
    },
  );

  test('a refused change leaves the old chain, its pins and no others', () => {
    load();
    const [before, fds, running] = [lab.tree(), countFds(), lab.running];
    const change = (): unknown => lab.load(['reads'], options());
    expect(change).toThrow(RootletError);
    // the message is about the code that was compiled
    expect(change).toThrow(
      /^interface "va": program "xdp_chain": function "filter" of \S+reads\.o: \S+reads\.bpf\.c:\d+: .*invalid access to packet/,
    );
    expect(change).toThrow(/source: verdict = data\[500\];/);
    const denied = refusing(9, EPERM);
    expect(() =>
      lab.change({ kind: 'load', members: [lab.member('two.v2', { name: 'more' })] }, options(), denied.sys),
    ).toThrow(/EPERM/);
    expect({ tree: lab.tree(), fds: countFds(), running: lab.running }).toEqual({
      tree: before,
      fds,
      running,
    });
  });

  test('a verify budget that cannot be kept is reported', () => {
    const { notes } = load({ optimize: { level: 1, verifyBudget: true } });
    const { optimized } = lab.read();
    expect(notes.length === 0).toBe(optimized === 'single');
    requireVerdicts();
  });

  test('what a step over the budget made is gone', () => {
    const fds = countFds();
    const tiny = loadObject(lab.input('tiny').object, kernel);
    // the first load is that of the code as it is, for its number of instructions
    const { sys, loads } = intercepting(at => {
      if (at === 1) return tiny.program('tiny').fd.duplicate().number;
      return at > 3 ? -EPERM : undefined;
    });
    expect(() => load({ optimize: { level: 1, verifyBudget: true } }, sys)).toThrow(/EPERM/);
    tiny.close();
    const pins = lab.tree().filter(path => path.includes('/all_') || path.includes('/hooks/'));
    expect({ pins, fds: countFds(), loads: loads() > 3 }).toEqual({ pins: [], fds, loads: true });
  });

  test('a dry run says nothing that a run would not', () => {
    const { notes, after, optimization } = load({ dryRun: true });
    const { kind, optimized } = after;
    expect({ notes, running: lab.running, kind, optimized }).toEqual({
      notes: [],
      running: 0,
      kind: 'chain',
      optimized: 'single',
    });
    expect(optimization?.programs).toMatchObject([{ program: 'xdp_chain', refused: null }]);
    expect(load({ dryRun: true, optimize: { level: 0 } })).toMatchObject({
      optimization: null,
      after: { optimized: 'none' },
    });
    expect(load().optimization).toEqual(optimization);
  });
});
