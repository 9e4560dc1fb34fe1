/** Dynamic re-linking by static re-link and a change of the program on the hook: XDP, tcx and cgroup, on this kernel. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { RootletError } from '../../src/diag/index.ts';
import type { ObjectFile } from '../../src/dynamic/relink-design.ts';
import { Rootlet } from '../../src/dynamic/relink-rootlet.ts';
import { attachXdp } from '../../src/kernel/hooks.ts';
import { countFds } from '../../src/kernel/testing.ts';
import { loadObject } from '../../src/load/index.ts';
import { packet } from '../../src/load/testing.ts';
import { readObject } from '../../src/object/index.ts';
import { needs } from '../support/needs.ts';
import { compileAll, HEAD, kernel, rootletSource, Wire, whenFree } from './relink-support.ts';

const ROOT = join(import.meta.dirname, '../..');
const example = (name: string): ObjectFile => ({
  name: `${name}.bpf.o`,
  bytes: readFileSync(join(ROOT, 'examples/obj/el', `${name}.bpf.o`)),
});
const ROOTLET = example('rootlet');
const FIRST = example('first_firewall');
const SECOND = example('second_firewall');
const XDP_DROP = 1;
const XDP_PASS = 2;
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

const SOURCES = {
  host: rootletSource('xdp', 'xdp_md', 3),
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
  neighbour: counting(2, '__u64 mine; static volatile __u32 own;').replace('seen++', 'mine++; own++; seen++'),
  refused: `${HEAD} SEC("xdp") int count(struct xdp_md *ctx) { return *(int *)(long)ctx->data; }`,
  other_prototype: `${HEAD} SEC("xdp") int count(struct xdp_md *ctx, int more) { return 1; }`,
  proprietary: `${HEAD.replace('GPL', 'Proprietary')} SEC("xdp") int count(struct xdp_md *ctx) { return 1; }`,
  tc_drop: `${HEAD} SEC("tc") int drop(struct __sk_buff *skb) { return 2 + (skb->len > 0 ? 5 : 0); }`,
  egress_drop: `${HEAD} SEC("cgroup_skb/egress") int drop(struct __sk_buff *skb) { return 0; }`,
  fixed_part: `${HEAD} SEC("raw_tp") int part(struct bpf_raw_tracepoint_args *ctx) { return 0; }`,
} as const;

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
    const before = rootlet.generation.maps.get('.bss.count')?.info().id;
    const { state } = rootlet.replace('slot2', c.neighbour);
    expect(rootlet.generation.maps.get('.bss.count')?.info().id).toBe(before);
    expect([...state].map(([name, { kind }]) => [name, kind])).toEqual(
      expect.arrayContaining([
        ['.bss', 'same'],
        ['.bss.count', 'same'],
        ['.data.count', 'same'],
        ['.rodata.count', 'constants'],
        ['count_runs', 'same'],
        ['neighbour_runs', 'new'],
        ['.bss.neighbour', 'new'],
      ]),
    );
    judge(rootlet);
    expect(values(rootlet, '.bss.count:seen', '.bss.neighbour:seen')).toEqual(['3', '1']);
    expect(values(rootlet, '.data.count:start', '.data.neighbour:start', 'rounds')).toEqual([
      '1003',
      '1001',
      '3',
    ]);
    expect(runsOf(rootlet, 'count_runs')).toBe(3n);
    rootlet.reset('slot2');
    expect(value(rootlet, 'seen')).toBe('3');
    expect(runsOf(rootlet)).toBe(3n);
  });

  test('a new version takes over maps, and variables by name and type; --fresh starts anew', () => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.count);
    judge(rootlet);
    judge(rootlet);
    const { state } = rootlet.replace('slot1', c.count_v2);
    expect(state.get('.bss.count')).toMatchObject({ kind: 'copied', lost: [] });
    expect(state.get('.data.count')?.kind).toBe('same');
    expect(state.get('runs')?.kind).toBe('same');
    expect(judge(rootlet)).toBe(3);
    expect(values(rootlet, 'seen', 'first', 'added', 'start')).toEqual(['3', '1', '1', '1003']);
    expect(runsOf(rootlet)).toBe(3n);
    const third = rootlet.replace('slot1', c.count_v3);
    expect(third.state.get('.bss.count')?.kind).toBe('new');
    judge(rootlet);
    expect(values(rootlet, 'seen', 'start')).toEqual(['1', '1004']);
    const fresh = rootlet.replace('slot1', c.count, undefined, { fresh: true });
    expect(fresh.state.get('runs')?.kind).toBe('new');
    judge(rootlet);
    expect(values(rootlet, 'seen', 'start')).toEqual(['1', '1001']);
    expect(value(rootlet, 'rounds')).toBe('5'); // the rootlet's own is not what was asked to be fresh
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
    rootlet.change({ order: [{ file: c.count }], fill: [{ slot: 'slot3', file: c.count }] });
    judge(rootlet);
    expect(value(rootlet, 'seen')).toBe('4'); // one component in two slots has one state
  });

  test('two components of one file name are two', () => {
    using rootlet = attach(c.host);
    rootlet.replace('slot1', c.count);
    rootlet.replace('slot2', { name: 'count.o', bytes: c.neighbour.bytes });
    expect(rootlet.design.fills.map(({ instance }) => instance)).toEqual([undefined, '2']);
    judge(rootlet);
    judge(rootlet);
    rootlet.reset('slot1');
    judge(rootlet);
    expect(value(rootlet, 'seen')).toBe('3');
    expect(runsOf(rootlet)).toBe(3n);
  });

  test('the program itself is replaced, and what stood in its slots comes back as it was', () => {
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

  test('constants that were set stay set for what stays', () => {
    using rootlet = attach(c.host);
    rootlet.change({ fill: [{ slot: 'slot1', file: c.count }] }, { globals: { verdict: 4 } });
    expect(judge(rootlet)).toBe(4);
    rootlet.replace('slot2', c.neighbour);
    expect(judge(rootlet)).toBe(4);
    rootlet.replace('slot1', c.count_v2);
    expect(judge(rootlet)).toBe(3);
  });

  test.each([
    ['refused', 'slot1', 'kernel-verifier-refused', /invalid access to packet/],
    [
      'other_prototype',
      'slot1',
      'relink-prototype',
      /slot:.*int slot1\(struct xdp_md \*.*\n.*program:.*int more/,
    ],
    ['proprietary', 'slot1', 'link-license', /"Proprietary" cannot be combined with "GPL"/],
    ['tc_drop', 'slot1', 'relink-prototype', /slot:.*struct xdp_md \*ctx.*\n.*program:.*struct __sk_buff \*/],
    ['other_prototype', 'host', 'relink-prototype', /cannot take the place of "host": it has 2 parameters/],
    ['tc_drop', 'host', 'relink-program-type', /"tc" does not fit the place of "host" in section "xdp"/],
  ] as const)('%s for %s: refused, and what runs goes on untouched', (name, slot, code, message) => {
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

  test('somebody else changed the hook: refused, and theirs stays', () => {
    using rootlet = attach(c.host);
    using other = loadObject(readObject(c.count.bytes, c.count.name), kernel);
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
    using free = loadObject(readObject(c.count.bytes, c.count.name), kernel);
    taken.hook.close();
    wire.inside(() =>
      whenFree(() => attachXdp(kernel, free.program('count').fd.number, 'va', 'generic')).close(),
    );
  });
});
