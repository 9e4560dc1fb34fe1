/** Dynamic re-linking by static re-link and a change of the program on the hook: XDP, tcx and cgroup, on this kernel. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { RootletError } from '../../../src/diag/problem.ts';
import { Rootlet } from '../../../src/dynamic/slots/rootlet.ts';
import { attachXdp } from '../../../src/kernel/hooks/hooks.ts';
import { encodeU32s } from '../../../src/kernel/sys/sys.ts';
import { countFds } from '../../../src/kernel/testing.ts';
import { loadObject } from '../../../src/load/load.ts';
import { packet } from '../../../src/load/testing.ts';
import type { ObjectFile } from '../../../src/object/read/input.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { XDP_DROP, XDP_PASS } from '../../../src/uapi/verdicts.ts';
import { needs } from '../../support/needs.ts';
import { compileAll, HEAD, kernel, kindsOf, rootletSource, Wire, whenFree } from './support.ts';

const ROOT = join(import.meta.dirname, '../../..');
const example = (name: string): ObjectFile => ({
  name: `${name}.bpf.o`,
  bytes: readFileSync(join(ROOT, 'examples/obj/el', `${name}.bpf.o`)),
});
const ROOTLET = example('rootlet');
const FIRST = example('first_firewall');
const SECOND = example('second_firewall');
const BLOCKED = packet({ source: [192, 0, 2, 66] });
const TO_X11 = packet({ destinationPort: 6001 });

/** A component that counts its runs in every kind of state, and returns `verdict`. */
const counting = (verdict: number, more = '', declared = 'static volatile __u64 seen;'): string => `${HEAD}
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } runs SEC(".maps");
${declared}
__u64 start = 1000;
const volatile __u32 verdict = ${verdict};
${more}
SEC("xdp") int count(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *value = bpf_map_lookup_elem(&runs, &key);
  if (value) __sync_fetch_and_add(value, 1);
  seen++;
  start++;
  return verdict;
}`;

/** A component that continues to a stage of its own, whose verdict it is. */
const stages = (verdict: number): string => `${HEAD}
int last(struct xdp_md *ctx);
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __type(key, __u32);
  __array(values, int(struct xdp_md *));
} jumps SEC(".maps") = { .values = { [0] = (void *)&last } };
SEC("xdp") int last(struct xdp_md *ctx) { return ${verdict}; }
SEC("xdp") int stage(struct xdp_md *ctx) { bpf_tail_call(ctx, &jumps, 0); return 0; }`;

const SOURCES = {
  host: rootletSource('xdp', 'xdp_md', 3),
  host_v2: rootletSource('xdp', 'xdp_md', 4)
    .replace('__u64 rounds;', '__u64 before, rounds, behind;')
    .replace('rounds++', 'before++; behind++; rounds++'),
  one_slot: rootletSource('xdp', 'xdp_md', 1),
  tc_host: rootletSource('tc', '__sk_buff', 2),
  egress_host: rootletSource('cgroup_skb/egress', '__sk_buff', 1).replace(
    'return verdict;\n}',
    'return verdict == 0 ? 0 : 1;\n}',
  ),
  pair_host: `${HEAD}
struct pair { __u32 length, verdict; };
__weak __noinline int slot1(struct xdp_md *ctx, struct pair *pair) { volatile int r = 1; if (pair) pair->verdict = 1; return ctx ? r : 0; }
SEC("xdp") int host(struct xdp_md *ctx) { struct pair pair = {}; slot1(ctx, &pair); return pair.verdict; }`,
  swapped: `${HEAD}
struct pair { __u32 verdict, length; };
SEC("xdp") int part(struct xdp_md *ctx, struct pair *pair) { if (pair) pair->verdict = 3; return 1; }`,
  short_entry: `${HEAD} SEC("xdp") short part(void *ctx) { return 3; }`,
  fixed_host: rootletSource('raw_tp/sys_enter', 'bpf_raw_tracepoint_args', 1),
  count: counting(1),
  count_v2: counting(
    3,
    '__u64 added; static volatile __u32 more;',
    'static volatile __u32 first; static volatile __u64 seen;',
  ).replace('seen++', 'first++; added++; more++; seen++'),
  count_v3: counting(3, '', 'static volatile __u32 seen;'),
  count_signed: counting(3).replace('__u64 start', '__s64 start'),
  neighbour: counting(2, '__u64 mine; static volatile __u32 own;').replace('seen++', 'mine++; own++; seen++'),
  refused: `${HEAD} SEC("xdp") int count(struct xdp_md *ctx) { return *(int *)(long)ctx->data; }`,
  other_prototype: `${HEAD} SEC("xdp") int count(struct xdp_md *ctx, int more) { return 1; }`,
  proprietary: `${HEAD.replace('GPL', 'Proprietary')} SEC("xdp") int count(struct xdp_md *ctx) { return 1; }`,
  tc_drop: `${HEAD} SEC("tc") int drop(struct __sk_buff *skb) { return 2 + (skb->len > 0 ? 5 : 0); }`,
  egress_drop: `${HEAD} SEC("cgroup_skb/egress") int drop(struct __sk_buff *skb) { return 0; }`,
  ingress_drop: `${HEAD} SEC("cgroup_skb/ingress") int drop(struct __sk_buff *skb) { return 0; }`,
  stages: stages(3),
  stages_v2: stages(4),
  fixed_part: `${HEAD} SEC("raw_tp") int part(struct bpf_raw_tracepoint_args *ctx) { return 0; }`,
} as const;

/** Another version of a component, which is \`count\` by default. */
const versionOf = (
  { bytes }: ObjectFile,
  { name }: Pick<ObjectFile, 'name'> = { name: 'count.o' },
): ObjectFile => ({
  name,
  bytes,
});

type Refusal = [part: keyof typeof SOURCES, code: string, message: RegExp, slot?: string];

interface Asked {
  readonly slots?: readonly string[];
  readonly reset?: readonly string[];
  readonly order?: number;
}

const wanted = needs('bpf', 'ip', 'clang');

wanted.describe('static re-linking', () => {
  let wire: Wire;
  let c: Record<keyof typeof SOURCES, ObjectFile>;
  beforeAll(() => {
    wire = new Wire('static');
    c = compileAll(SOURCES);
  });
  afterAll(() => wire.close());

  let fds = 0;
  beforeEach(() => {
    fds = countFds();
  });
  afterEach(() => {
    expect(countFds()).toBe(fds);
  });

  const attach = (file: ObjectFile) =>
    wire.inside(() => whenFree(() => Rootlet.attach(kernel, file, { interface: 'va', mode: 'generic' })));
  const judge = (rootlet: Rootlet, data = packet()): number =>
    rootlet.generation.program.testRun({ data }).verdict;
  /** A variable's value, as text. */
  const value = (rootlet: Rootlet, name: string): string => String(rootlet.generation.host?.globals[name]);
  const values = (rootlet: Rootlet, ...names: readonly string[]) => names.map(name => value(rootlet, name));
  const runsOf = (rootlet: Rootlet, map = 'runs') => rootlet.generation.host?.typedMap(map).lookup(0);

  test('default → bound → another → reset → default', () => {
    using rootlet = attach(ROOTLET);
    expect(judge(rootlet, BLOCKED)).toBe(XDP_PASS);
    rootlet.replace('dummy1', FIRST, 'xdp_prog1');
    expect(judge(rootlet, BLOCKED)).toBe(XDP_DROP);
    expect(judge(rootlet, TO_X11)).toBe(XDP_PASS);
    rootlet.replace('dummy2', SECOND);
    expect(judge(rootlet, BLOCKED)).toBe(XDP_DROP);
    expect(judge(rootlet, TO_X11)).toBe(XDP_DROP);
    rootlet.reset('dummy1');
    expect(judge(rootlet, BLOCKED)).toBe(XDP_PASS);
    expect(judge(rootlet, TO_X11)).toBe(XDP_DROP);
    expect(rootlet.slots.map(({ slot, fill }) => [slot, fill?.file.name])).toEqual([
      ['dummy1', undefined],
      ['dummy2', 'second_firewall.bpf.o'],
      ['rootlet', undefined],
    ]);
  });

  test('state of what stays is the same map, whoever comes and goes beside it', () => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.count);
    judge(rootlet);
    judge(rootlet);
    const ids = () =>
      ['count:.bss', 'count:.rodata', 'count:runs'].map(key => rootlet.generation.maps.get(key)?.info().id);
    const before = ids();
    const { state } = rootlet.replace('slot2', c.neighbour);
    expect(ids()).toEqual(before);
    expect(kindsOf(state)).toEqual({
      '.bss': 'reuse',
      'count:.bss': 'reuse',
      'count:.data': 'reuse',
      'count:.rodata': 'reuse',
      'count:runs': 'reuse',
      'neighbour:.bss': 'new',
      'neighbour:.data': 'new',
      'neighbour:.rodata': 'new',
      'neighbour:runs': 'new',
    });
    judge(rootlet);
    expect(values(rootlet, '.bss.count:seen', '.bss.neighbour:seen')).toEqual(['3', '1']);
    expect(values(rootlet, '.data.count:start', '.data.neighbour:start', 'rounds')).toEqual([
      '1003',
      '1001',
      '3',
    ]);
    expect(runsOf(rootlet, 'count_runs')).toBe(3n);
    const { state: after } = rootlet.reset('slot2');
    expect(after.filter(({ kind }) => kind === 'dropped').map(({ key, reason }) => [key, reason])).toEqual(
      ['neighbour:runs', 'neighbour:.data', 'neighbour:.bss'].map(key => [
        key,
        'neighbour no longer fills a slot',
      ]),
    );
    expect(value(rootlet, 'seen')).toBe('3');
    expect(runsOf(rootlet)).toBe(3n);
  });

  test('a new version takes over maps, and variables by name and type; fresh ones begin again', () => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.count);
    judge(rootlet);
    judge(rootlet);
    const { state } = rootlet.replace('slot1', versionOf(c.count_v2));
    expect(kindsOf(state)).toEqual({
      '.bss': 'reuse',
      'count:.bss': 'migrate',
      'count:.data': 'reuse',
      'count:.rodata': 'new',
      'count:runs': 'reuse',
    });
    expect(state.find(({ key }) => key === 'count:.bss')).toMatchObject({ variables: ['seen'], lost: [] });
    expect(judge(rootlet)).toBe(3);
    expect(values(rootlet, 'seen', 'first', 'added', 'start')).toEqual(['3', '1', '1', '1003']);
    expect(runsOf(rootlet)).toBe(3n);
    const third = rootlet.replace('slot1', versionOf(c.count_v3));
    expect(third.state.find(({ key }) => key === 'count:.bss')).toMatchObject({
      kind: 'reset',
      reason: expect.stringMatching(
        /^no variable is unchanged: .*seen was volatile __u64 and is volatile __u32$/,
      ),
    });
    judge(rootlet);
    expect(values(rootlet, 'seen', 'start')).toEqual(['1', '1004']);
    const fresh = rootlet.replace('slot1', c.count, undefined, { fresh: ['count'] });
    expect(kindsOf(fresh.state)).toMatchObject({
      '.bss': 'reuse',
      'count:runs': 'reset',
      'count:.data': 'reset',
    });
    judge(rootlet);
    expect(values(rootlet, 'seen', 'start')).toEqual(['1', '1001']);
    expect(value(rootlet, 'rounds')).toBe('5'); // the rootlet's own is not what was asked to be fresh
  });

  test('a component of another name takes over state only where all of it agrees', () => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.count);
    judge(rootlet);
    const { state } = rootlet.replace('slot1', c.count_v2);
    expect(state.map(({ key, kind, from }) => [key, kind, from]).sort()).toEqual([
      ['.bss', 'reuse', null],
      ['count_v2:.bss', 'migrate', 'count'],
      ['count_v2:.data', 'reuse', 'count'],
      ['count_v2:.rodata', 'new', null],
      ['count_v2:runs', 'reuse', 'count'],
    ]);
    judge(rootlet);
    expect(values(rootlet, 'seen', 'start')).toEqual(['2', '1002']);
    const other = rootlet.replace('slot1', c.count_v3); // `seen` has another type
    expect(kindsOf(other.state)).toEqual({
      '.bss': 'reuse',
      'count_v3:.bss': 'new',
      'count_v3:.data': 'new',
      'count_v3:.rodata': 'new',
      'count_v3:runs': 'new',
      'count_v2:.bss': 'dropped',
      'count_v2:.data': 'dropped',
      'count_v2:runs': 'dropped',
    });
    judge(rootlet);
    expect(values(rootlet, 'seen', 'start')).toEqual(['1', '1001']);
    expect(runsOf(rootlet)).toBe(1n);
  });

  test('types of variables are compared to the last bit', () => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.count);
    judge(rootlet);
    const { state } = rootlet.replace('slot1', versionOf(c.count_signed));
    expect(state.find(({ key }) => key === 'count:.data')).toMatchObject({
      kind: 'reset',
      reason: expect.stringMatching(/start was __u64 and is __s64$/),
    });
    expect(state.find(({ key }) => key === 'count:.bss')).toMatchObject({ kind: 'reuse' });
    judge(rootlet);
    expect(values(rootlet, 'seen', 'start')).toEqual(['2', '1001']);
  });

  test('an array of programs belongs to its version; entries set at run time stay', () => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.stages, 'stage');
    expect(judge(rootlet)).toBe(3);
    const { state } = rootlet.replace('slot1', versionOf(c.stages_v2, c.stages), 'stage');
    expect(kindsOf(state)['stages:jumps']).toBe('rebuild');
    expect(judge(rootlet)).toBe(4); // the stage of the new version, not that of the old one
    const jumps = rootlet.generation.maps.get('stages:jumps');
    using other = loadObject(readObject({ name: 'other.o', bytes: c.neighbour.bytes }), kernel);
    jumps?.update(new Uint8Array(4), encodeU32s([other.program('count').fd.number]));
    expect(judge(rootlet)).toBe(2);
    const back = rootlet.replace('slot1', c.stages, 'stage');
    expect(back.state.find(({ key }) => key === 'stages:jumps')).toMatchObject({
      kind: 'rebuild',
      entries: { carried: 1, lost: [] },
    });
    expect(judge(rootlet)).toBe(2);
    rootlet.replace('slot2', c.neighbour); // nothing of the component changed: the same array
    expect(rootlet.generation.decisions.find(({ identity }) => identity.name === 'jumps')).toMatchObject({
      decision: { kind: 'reuse' },
    });
  });

  test('another version of the rootlet keeps its components, with all state', () => {
    using rootlet = attach(c.host);
    rootlet.change({ fill: [{ slot: 'slot1', file: c.count }] }, { globals: { verdict: 4 } });
    judge(rootlet);
    const next = versionOf(c.host_v2, c.host);
    const { state, slots, settings } = rootlet.change({ rootlet: next });
    expect(kindsOf(state)).toMatchObject({ '.bss': 'migrate', 'count:.bss': 'reuse', 'count:runs': 'reuse' });
    expect(slots.map(({ slot, fill }) => [slot, fill?.component])).toEqual([
      ['slot1', 'count'],
      ['slot2', undefined],
      ['slot3', undefined],
      ['slot4', undefined],
      ['host', undefined],
    ]);
    expect(settings.get('count')?.globals.get('verdict')).toBe(4);
    expect(judge(rootlet)).toBe(4);
    expect(values(rootlet, 'rounds', 'seen')).toEqual(['2', '2']);
    rootlet.replace('slot2', c.neighbour);
    expect(() => rootlet.change({ rootlet: c.one_slot })).toThrow(
      /"one_slot.o" has no slot "slot2", which "neighbour" fills.*\n.*--reset slot2/,
    );
    expect(judge(rootlet)).toBe(4);
  });

  test('a plan tells what a change would do, and does nothing', () => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.count);
    judge(rootlet);
    const { id } = rootlet.generation.program.info();
    const change = { fill: [{ slot: 'slot1', file: versionOf(c.count_v2) }] };
    const planned = rootlet.plan(change);
    expect(rootlet.generation.program.info().id).toBe(id);
    expect(rootlet.design.fills[0]?.file.bytes).toBe(c.count.bytes);
    const done = rootlet.change(change);
    expect(planned).toEqual(done);
  });

  test('a component that moves to another slot, or into a second one, keeps its state', () => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.count);
    judge(rootlet);
    rootlet.change({ order: [{ file: c.neighbour }, { file: c.count }] });
    expect(rootlet.slots.map(({ fill }) => fill?.file.name)).toEqual([
      'neighbour.o',
      'count.o',
      undefined,
      undefined,
    ]);
    judge(rootlet);
    expect(value(rootlet, '.bss.count:seen')).toBe('2');
    expect(value(rootlet, '.bss.neighbour:seen')).toBe('1');
    const short = { order: [{ file: c.count }], fill: [{ slot: 'slot3', file: c.count }] };
    expect(() => rootlet.change(short)).toThrow(expect.objectContaining({ code: 'relink-slot-emptied' }));
    rootlet.change({ ...short, reset: ['slot2'] });
    judge(rootlet);
    expect(value(rootlet, 'seen')).toBe('4'); // one component in two slots has one state
  });

  test('two components of one file name are two', () => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.count);
    rootlet.replace('slot2', { name: 'count.o', bytes: c.neighbour.bytes });
    expect(rootlet.design.fills.map(({ component }) => component)).toEqual(['count', 'count-2']);
    judge(rootlet);
    judge(rootlet);
    rootlet.reset('slot1');
    judge(rootlet);
    expect(value(rootlet, 'seen')).toBe('3');
    expect(runsOf(rootlet)).toBe(3n);
  });

  test('the program itself is replaced, and its former components are restored unchanged', () => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.count);
    expect(judge(rootlet)).toBe(1);
    rootlet.replace('host', c.neighbour);
    expect(judge(rootlet)).toBe(2);
    expect(value(rootlet, 'mine')).toBe('1');
    rootlet.replace('slot2', c.neighbour); // not called for now
    rootlet.reset('host');
    expect(judge(rootlet)).toBe(1);
    expect(values(rootlet, 'rounds', 'mine', '.bss.count:seen')).toEqual(['2', '2', '2']);
  });

  test('the program itself is replaced by one that is spelled otherwise', () => {
    using rootlet = attach(c.host);
    rootlet.replace('host', c.short_entry);
    expect(judge(rootlet)).toBe(3);
  });

  test('a slot with a struct of another layout behind the pointer is refused', () => {
    using rootlet = attach(c.pair_host);
    expect(() => rootlet.replace('slot1', c.swapped)).toThrow(/member 1 is length .* member 1 is verdict/);
    expect(judge(rootlet)).toBe(1);
  });

  test('values that were set stay with their component, through its versions', () => {
    using rootlet = attach(c.host);
    rootlet.change({ fill: [{ slot: 'slot1', file: c.count }] }, { globals: { verdict: 4 } });
    expect(judge(rootlet)).toBe(4);
    rootlet.replace('slot2', c.neighbour);
    expect(judge(rootlet)).toBe(4);
    const { settings } = rootlet.replace('slot1', versionOf(c.count_v2));
    expect(judge(rootlet)).toBe(4);
    expect(settings.get('count')?.globals).toEqual(new Map([['verdict', 4]]));
    const again = { fill: [{ slot: 'slot1', file: versionOf(c.count_v2) }] };
    rootlet.change(again, { globals: { verdict: 1, start: 7 } });
    expect(judge(rootlet)).toBe(1);
    expect(value(rootlet, '.data.count:start')).toBe('8');
    const dropped = rootlet.replace('slot1', c.stages, 'stage');
    expect(dropped.droppedSettings).toEqual([
      'count:verdict: the component is gone',
      'count:start: the component is gone',
    ]);
    expect(dropped.settings).toEqual(new Map());
  });

  test.each<Refusal>([
    ['refused', 'kernel-verifier-refused', /invalid access to packet/],
    ['other_prototype', 'relink-prototype', /slot:.*int slot1\(struct xdp_md \*.*\n.*program:.*int more/],
    ['proprietary', 'link-license', /"Proprietary" cannot be combined with "GPL"/],
    ['tc_drop', 'relink-prototype', /slot:.*struct xdp_md \*ctx.*\n.*program:.*struct __sk_buff \*/],
    ['other_prototype', 'relink-prototype', /cannot replace "host": it has 2 parameters/, 'host'],
    ['tc_drop', 'relink-program-type', /"tc" does not fit the place of "host" in section "xdp"/, 'host'],
  ])('%s: %s, and what runs continues untouched', (name, code, message, slot = 'slot1') => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.count);
    judge(rootlet);
    const program = rootlet.generation.program.info().id;
    const attempt = () => rootlet.replace(slot, c[name]);
    expect(attempt).toThrow(expect.objectContaining({ code }));
    expect(attempt).toThrow(message);
    expect(rootlet.generation.program.info().id).toBe(program);
    expect(judge(rootlet)).toBe(1);
    expect(value(rootlet, 'seen')).toBe('2');
  });

  test.each([
    ['a slot that is not there', { slots: ['slot9'] }, 'relink-no-slot'],
    ['resetting one that is not there', { reset: ['slot9'] }, 'relink-no-slot'],
    ['a slot twice', { slots: ['slot1'], reset: ['slot1'] }, 'relink-slot-twice'],
    ['too many in order', { order: 4 }, 'relink-too-many'],
  ] as const satisfies readonly (readonly [string, Asked, string])[])('%s', (_, change: Asked, code) => {
    using rootlet = attach(c.host);
    const { slots = [], order = 0, reset = [] } = change;
    const given = {
      fill: slots.map(slot => ({ slot, file: c.count })),
      reset,
      ...(order === 0 ? {} : { order: Array.from({ length: order }, () => ({ file: c.count })) }),
    };
    expect(() => rootlet.change(given)).toThrow(expect.objectContaining({ code }));
  });

  test('another process changed the hook: refused, and theirs stays', () => {
    using rootlet = attach(c.host);
    using other = loadObject(readObject(c.count), kernel);
    rootlet.hook.update(other.program('count'), null);
    expect(() => rootlet.replace('slot1', c.count)).toThrow(
      expect.objectContaining({ code: 'hook-changed' }),
    );
  });

  test('tcx, clsact and cgroup', () => {
    for (const method of ['tcx', 'clsact'] as const) {
      wire.inside(() => {
        using rootlet = Rootlet.attach(kernel, c.tc_host, { interface: 'va', direction: 'ingress', method });
        expect(judge(rootlet)).toBe(2);
        rootlet.replace('slot2', c.tc_drop);
        expect(judge(rootlet)).toBe(7);
      });
    }
    const cgroups = mkdtempSync(join(tmpdir(), 'rootlet-cgroup-'));
    execFileSync('mount', ['-t', 'cgroup2', 'cgroup2', cgroups]);
    const cgroup = join(cgroups, `rootlet-relink-${process.pid}`);
    mkdirSync(cgroup);
    try {
      using rootlet = Rootlet.attach(kernel, c.egress_host, { cgroup });
      expect(judge(rootlet)).toBe(1);
      rootlet.replace('slot1', c.egress_drop);
      expect(judge(rootlet)).toBe(0);
      // of one program type, but for the other direction
      expect(() => rootlet.replace('host', c.ingress_drop)).toThrow(
        expect.objectContaining({ code: 'relink-program-type' }),
      );
      rootlet.replace('host', c.egress_drop);
      expect(judge(rootlet)).toBe(0);
    } finally {
      rmdirSync(cgroup);
      execFileSync('umount', [cgroups]);
      rmdirSync(cgroups);
    }
  });

  test('a hook whose program cannot be changed says so, and what would help', () => {
    using rootlet = Rootlet.attach(kernel, c.fixed_host, {});
    expect(() => rootlet.replace('slot1', c.fixed_part)).toThrow(
      /cannot change the program.*\n.*--slots tail/,
    );
  });

  test('a failed attach leaves nothing', () => {
    using taken = attach(c.host);
    expect(taken.slots).toHaveLength(4);
    expect(() =>
      wire.inside(() => Rootlet.attach(kernel, c.host, { interface: 'va', mode: 'generic' })),
    ).toThrow(RootletError);
    using free = loadObject(readObject(c.count), kernel);
    taken.hook.close();
    wire.inside(() =>
      whenFree(() => attachXdp(kernel, free.program('count').fd.number, 'va', 'generic')).close(),
    );
  });
});
