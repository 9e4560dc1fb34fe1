/** Dynamic re-linking through tail-call slots: the rootlet's program stays, its slots change. On this kernel. */

import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { componentOf } from '../../../src/dynamic/generation/design.ts';
import { Rootlet } from '../../../src/dynamic/slots/rootlet.ts';
import { listIds, openById } from '../../../src/kernel/objects/info.ts';
import { BpfProgram } from '../../../src/kernel/objects/program.ts';
import { countFds } from '../../../src/kernel/testing.ts';
import { packet } from '../../../src/load/testing.ts';
import type { ObjectFile } from '../../../src/object/read/input.ts';
import { needs } from '../../support/needs.ts';
import { compileAll, HEAD, kernel, kindsOf, rootletSource, Wire, whenFree } from './support.ts';

const counting = (verdict: number, declared = 'static volatile __u64 seen;', more = ''): string => `${HEAD}
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } runs SEC(".maps");
${declared}
const volatile __u32 verdict = ${verdict};
SEC("xdp") int rt_count(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 one = 1, *value = bpf_map_lookup_elem(&runs, &key);
  if (value) __sync_fetch_and_add(value, 1);
  else bpf_map_update_elem(&runs, &key, &one, 0);
  seen++;
  ${more}
  return verdict;
}`;

const SOURCES = {
  rt_host: rootletSource('xdp', 'xdp_md', 3).replace('host(', 'rt_host('),
  one: counting(1),
  one_v2: counting(3, 'static volatile __u32 first; static volatile __u64 seen;', 'first++;'),
  other: counting(4),
  refused: `${HEAD} SEC("xdp") int rt_count(struct xdp_md *ctx) { return *(int *)(long)ctx->data; }`,
  two: `${HEAD}
static volatile __u64 seen;
SEC("xdp") int rt_a(struct xdp_md *ctx) { seen++; return 3; }
SEC("xdp") int rt_b(struct xdp_md *ctx) { seen++; return 2; }`,
  fixed_host: `${HEAD}
struct bpf_nf_ctx { const void *state; void *skb; };
__weak __noinline int slot1(struct bpf_nf_ctx *ctx) { volatile int verdict = 1; return ctx ? verdict : 0; }
SEC("netfilter") int rt_host(struct bpf_nf_ctx *ctx) { return slot1(ctx) == 0 ? 0 : 1; }`,
  fixed_part: `${HEAD}
struct bpf_nf_ctx { const void *state; void *skb; };
SEC("netfilter") int rt_part(struct bpf_nf_ctx *ctx) { return 0; }`,
  more_host: `${HEAD}
__weak __noinline int slot1(struct xdp_md *ctx, int more) { volatile int verdict = more; return ctx ? verdict : 0; }
SEC("xdp") int rt_host(struct xdp_md *ctx) { return slot1(ctx, 2); }`,
  more_part: `${HEAD} SEC("xdp") int rt_part(struct xdp_md *ctx, int more) { return 1; }`,
  deep_host: `${HEAD}
__weak __noinline int slot1(struct xdp_md *ctx) { volatile int verdict = 2; return ctx ? verdict : 0; }
SEC("xdp") int rt_host(struct xdp_md *ctx) { volatile char room[300]; room[ctx->rx_queue_index & 255] = 1; int v = slot1(ctx); return v + room[0] - room[0]; }`,
  // struct xdp_md as it was before Linux 5.8
  older: `
#define SEC(name) __attribute__((section(name), used))
struct xdp_md { unsigned data, data_end, data_meta, ingress_ifindex, rx_queue_index; };
char _license[] SEC("license") = "GPL";
SEC("xdp") int rt_part(struct xdp_md *ctx) { return ctx->rx_queue_index ? 2 : 4; }`,
  event_host: `${HEAD}
__u64 rounds;
__weak __noinline int slot1(void *ctx __attribute__((btf_decl_tag("arg:ctx")))) { volatile int value = 1; return value; }
SEC("raw_tp/sys_enter") int rt_host(struct bpf_raw_tracepoint_args *ctx) { __sync_fetch_and_add(&rounds, slot1(ctx)); return 0; }`,
  event_part: `${HEAD} SEC("raw_tp") int rt_part(__u64 *ctx) { return 1000000 + (ctx[1] == -5); }`,
} as const;

const wanted = needs('bpf', 'ip', 'clang');

wanted.describe('tail-call slots', () => {
  let wire: Wire;
  let c: Record<keyof typeof SOURCES, ObjectFile>;
  beforeAll(() => {
    wire = new Wire('tail');
    c = compileAll(SOURCES);
  });
  afterAll(() => wire.close());

  let fds = 0;
  beforeEach(() => {
    fds = countFds();
  });
  afterEach(async () => {
    expect(countFds()).toBe(fds);
    await vi.waitFor(() => expect(ours()).toEqual([]), 5000); // an array lets its programs go a little later
  });

  const attach = (file: ObjectFile = c.rt_host) =>
    wire.inside(() =>
      whenFree(() => Rootlet.attach(kernel, file, { interface: 'va', mode: 'generic' }, { via: 'tail' })),
    );
  const judge = (rootlet: Rootlet): number => rootlet.generation.program.testRun({ data: packet() }).verdict;
  const number = (rootlet: Rootlet, map: string, offset = 0): number => {
    const value = rootlet.generation.maps.get(map)?.lookup(new Uint8Array(4));
    return value === undefined ? -1 : Number(new DataView(value.buffer).getBigUint64(offset, true));
  };

  test('slots change one by one; the program on the hook stays', () => {
    using rootlet = attach();
    const { id } = rootlet.generation.program.info();
    expect(judge(rootlet)).toBe(2);
    expect(rootlet.replace('slot1', c.one).choice.via).toBe('tail');
    expect(judge(rootlet)).toBe(1);
    rootlet.replace('slot3', c.two, 'rt_a');
    expect(judge(rootlet)).toBe(3);
    rootlet.change({ fill: [{ slot: 'slot2', file: c.other }], reset: ['slot3'] });
    expect(judge(rootlet)).toBe(4);
    rootlet.reset('slot1', 'slot2');
    expect(judge(rootlet)).toBe(2);
    expect(rootlet.generation.program.info().id).toBe(id);
  });

  test('one component in several slots is loaded once, and two of its programs share state', () => {
    using rootlet = attach();
    rootlet.change({
      fill: [
        { slot: 'slot1', file: c.two, program: 'rt_a' },
        { slot: 'slot2', file: c.two, program: 'rt_b' },
        { slot: 'slot3', file: c.two, program: 'rt_a' },
      ],
    });
    judge(rootlet);
    expect(number(rootlet, 'two:.bss')).toBe(3);
    expect([...rootlet.generation.programs.keys()].sort()).toEqual(['rt_host', 'two:rt_a', 'two:rt_b']);
  });

  test('state is kept: by what stays, by a new version, not where it is to be fresh', () => {
    using rootlet = attach();
    rootlet.replace('slot1', c.one);
    judge(rootlet);
    const program = () => rootlet.generation.programs.get('one:rt_count')?.info().id;
    const first = program();
    rootlet.replace('slot2', c.other);
    judge(rootlet);
    expect(program()).toBe(first); // not even loaded again
    expect(number(rootlet, 'one:runs')).toBe(2);
    const { state } = rootlet.replace('slot1', { ...c.one_v2, name: 'one.o' });
    expect(kindsOf(state)).toEqual({
      '.bss': 'reuse',
      'one:.bss': 'migrate',
      'one:.rodata': 'new',
      'one:runs': 'reuse',
      'other:.bss': 'reuse',
      'other:.rodata': 'reuse',
      'other:runs': 'reuse',
    });
    judge(rootlet);
    expect(number(rootlet, 'one:runs')).toBe(3);
    const fresh = rootlet.replace('slot1', c.one, undefined, { fresh: ['one:runs'] });
    expect(kindsOf(fresh.state)).toMatchObject({ 'one:runs': 'reset', 'one:.bss': 'migrate' });
    judge(rootlet);
    expect(number(rootlet, 'one:runs')).toBe(1);
    expect(number(rootlet, 'one:.bss')).toBe(4);
  });

  test('a component that is rolled slot by slot: both versions run, and share what agrees', () => {
    using rootlet = attach();
    const [v1, v2] = [c.one, { ...c.one_v2, name: 'one.o' }];
    rootlet.change({ fill: ['slot1', 'slot2', 'slot3'].map(slot => ({ slot, file: v1 })) });
    judge(rootlet);
    const first = rootlet.generation.programs.get('one:rt_count')?.info().id;
    rootlet.replace('slot1', v2);
    expect(rootlet.design.fills.map(componentOf)).toEqual(['one', 'one@1', 'one@1']);
    expect([...rootlet.generation.programs.keys()].sort()).toEqual([
      'one:rt_count',
      'one@1:rt_count',
      'rt_host',
    ]);
    expect(rootlet.generation.programs.get('one@1:rt_count')?.info().id).toBe(first);
    judge(rootlet);
    expect(number(rootlet, 'one:runs')).toBe(6); // one map for both
    expect(rootlet.generation.maps.get('one@1:runs')).toBeUndefined();
    expect([number(rootlet, 'one:.bss'), number(rootlet, 'one@1:.bss')]).toEqual([4, 5]);
    rootlet.replace('slot2', v2);
    rootlet.replace('slot3', v2);
    expect(rootlet.design.fills.map(componentOf)).toEqual(['one', 'one', 'one']);
    judge(rootlet);
    expect(number(rootlet, 'one:runs')).toBe(9);
    expect(number(rootlet, 'one:.bss')).toBe(7);
    expect([...rootlet.generation.programs.keys()].sort()).toEqual(['one:rt_count', 'rt_host']);
  });

  test('constants are set for what is put in', () => {
    using rootlet = attach();
    const fill = [{ slot: 'slot1', file: c.one }];
    rootlet.change({ fill }, { globals: { verdict: 5 } });
    expect(judge(rootlet)).toBe(5);
    rootlet.replace('slot2', c.two, 'rt_b');
    expect(judge(rootlet)).toBe(5);
    expect(() => rootlet.change({ fill }, { globals: { none: 5 } })).toThrow(/no variable "none"/);
  });

  test('what the kernel refuses changes nothing', () => {
    using rootlet = attach();
    rootlet.replace('slot1', c.one);
    expect(() => rootlet.replace('slot1', c.refused)).toThrow(/invalid access to packet/);
    expect(judge(rootlet)).toBe(1);
  });

  test('slots change on hooks whose program cannot', () => {
    const place = { netfilter: { family: 2, hook: 0, priority: 5 } } as const;
    using rootlet = wire.inside(() => Rootlet.attach(kernel, c.fixed_host, place, { via: 'tail' }));
    expect(judge(rootlet)).toBe(1);
    rootlet.replace('slot1', c.fixed_part);
    expect(judge(rootlet)).toBe(0);
    rootlet.reset('slot1');
    expect(judge(rootlet)).toBe(1);
    expect(() => rootlet.change({}, { via: 'static' })).toThrow(/cannot change the program on this hook/);
  });

  test.each([
    ['more_host', 'more_part', 'slot1', /a tail call passes the context alone/],
    ['deep_host', 'one', 'slot1', /bytes of stack are in use where it is called.*less than 256/],
    ['rt_host', 'one', 'rt_host', /it is the program itself/],
  ] as const)('%s: what a tail call cannot do is reported', (host, part, slot, message) => {
    using rootlet = attach(c[host]);
    expect(() => rootlet.replace(slot, c[part])).toThrow(message);
    const { choice } = rootlet.replace(slot, c[part], undefined, { via: 'static' });
    expect(choice.via).toBe('static');
    expect(judge(rootlet)).toBe(1);
  });

  test('a component with an older header goes in, by each way', () => {
    using rootlet = attach();
    rootlet.replace('slot1', c.older);
    expect(judge(rootlet)).toBe(4);
    rootlet.change({}, { via: 'static' });
    expect(judge(rootlet)).toBe(4);
  });

  test('a slot whose context has no name, only a tag', () => {
    using rootlet = Rootlet.attach(kernel, c.event_host, {}, { via: 'tail' });
    expect(number(rootlet, '.bss')).toBeLessThan(1_000_000);
    rootlet.replace('slot1', c.event_part);
    expect(number(rootlet, '.bss')).toBeGreaterThan(1_000_000);
    expect(() => rootlet.replace('slot2', c.event_part)).toThrow(/hint: did you mean "slot1"/);
    expect(() => rootlet.replace('slot1', c.event_part, undefined, { via: 'static' })).toThrow(
      /cannot change the program on this hook[\s\S]*hint: --slots tail changes its slots/,
    );
  });

  test('from one way to another and back, with all state', () => {
    using rootlet = wire.inside(() => whenFree(() => Rootlet.attach(kernel, c.rt_host, { interface: 'va' })));
    const steps = ['static', 'tail', 'static', 'tail'] as const;
    rootlet.replace('slot1', c.one);
    steps.forEach((via, at) => {
      expect(judge(rootlet)).toBe(1);
      const map = [...rootlet.generation.maps].find(([name]) => name.endsWith('runs'));
      expect(number(rootlet, map?.[0] ?? '')).toBe(at + 1);
      rootlet.change({}, { via });
      expect(rootlet.generation.via).toBe(via);
    });
    expect(judge(rootlet)).toBe(1);
    expect(number(rootlet, '.bss')).toBe(5); // rounds of the rootlet itself
  });
});

/** Ids of programs called `rt_…`. */
function ours(): number[] {
  return listIds(kernel, 'program').filter(id => {
    const fd = openById(kernel, 'program', id);
    if (fd === undefined) return false;
    using program = BpfProgram.adopt(kernel, fd);
    return program.name.startsWith('rt_');
  });
}
