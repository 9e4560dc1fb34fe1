/**
 * What bound objects do: the same as the same sources linked statically, packet by packet and map by map; weak externs;
 * the choice of back ends and the limits that are known before the kernel is asked.
 */

import { expect, test, vi } from 'vitest';
import { RootletError } from '../../../src/diag/problem.ts';
import type { DynamicObject } from '../../../src/dynamic/bind/dynamic-object.ts';
import { load } from '../../../src/dynamic/bind/load.ts';
import type { DynamicLoadOptions } from '../../../src/dynamic/bind/load-options.ts';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import { countFds } from '../../../src/kernel/testing.ts';
import { linkToBytes } from '../../../src/link/link.ts';
import { loadObject } from '../../../src/load/load.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { needs } from '../../support/needs.ts';
import { compiled } from './support.ts';

vi.setConfig({ testTimeout: 60_000 });

const HEAD = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
`;

const host = needs('bpf', 'root', 'clang');

/** Whatever the object's kind: a packet in, verdict and packet out. */
type Runner = (packet: Uint8Array) => readonly [verdict: number, packet: string];

host.describe('bound and linked', () => {
  const sys = openSys();
  const options = { sys, pinRoot: null } as const;

  const SHARED = `
struct stats { __u64 packets, bytes; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, __u32); __type(value, struct stats); }`;

  const SOURCES = {
    provider: `${HEAD}${SHARED} flows SEC(".maps");
__u32 threshold = 3;
const volatile __u32 mask = 7;
static __u32 rounds;
static __noinline int helper(__u32 x) { return (x * 2654435761u) >> 13; }
__noinline int classify(struct xdp_md *ctx)
{
  unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (data + 16 > end) return -1;
  rounds++;
  __u32 key = helper(data[0] | data[1] << 8) & mask;
  struct stats fresh = { 1, end - data }, *known = bpf_map_lookup_elem(&flows, &key);
  if (known) { known->packets++; known->bytes += end - data; }
  else bpf_map_update_elem(&flows, &key, &fresh, 0);
  data[2] = rounds;
  return key > threshold ? 100 + key : key;
}
__noinline int mix(int a, const struct stats *s) { return s ? a * 31 + (int)s->packets : a; }`,
    consumer: `${HEAD}${SHARED.replace('struct {', 'extern struct {')} flows SEC(".maps");
extern __u32 threshold;
extern int classify(struct xdp_md *ctx);
extern int mix(int a, const struct stats *s);
static __u32 rounds = 5;
SEC("xdp") int entry(struct xdp_md *ctx)
{
  int verdict = classify(ctx);
  __u32 key = (__u32)verdict % 8;
  struct stats copy = {}, *known = bpf_map_lookup_elem(&flows, &key);
  if (known) copy = *known;
  rounds += verdict;
  threshold = rounds % 8;
  return mix(verdict, &copy) + rounds % 256;
}`,
  };
  const objects = host.reason === undefined ? compiled(SOURCES) : undefined;
  if (objects === undefined) return;
  const { provider, consumer } = objects;

  /** 200 packets, the same for all. */
  function run(runner: Runner): (readonly [number, string])[] {
    let seed = 12345;
    const next = (): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return seed >>> 16;
    };
    return Array.from({ length: 200 }, () => {
      const packet = new Uint8Array(14 + (next() % 80));
      packet.forEach((_, at) => {
        packet[at] = next();
      });
      return runner(packet);
    });
  }

  function runnerOf(object: { testRun: DynamicObject['loaded']['testRun'] }): Runner {
    return data => {
      const { verdict, packet } = object.testRun('entry', data);
      return [verdict, Buffer.from(packet).toString('hex')];
    };
  }

  test.each([
    ['copy', {}],
    ['tail', { viaOf: (name: string) => (name === 'classify' ? 'tail' : 'copy') }],
    ['chosen', null],
  ] as const)('%s: behave as the same sources linked statically', (via, given) => {
    const extra: DynamicLoadOptions = given === null ? {} : via === 'copy' ? { via: 'copy' } : given;
    const linked = readObject({
      name: 'linked.o',
      bytes: linkToBytes([consumer, provider].map(object => ({ ...object }) as BpfObject)),
    });
    using whole = loadObject(linked, sys, { pinRoot: null });
    using first = load([provider], options);
    using second = load([consumer], { ...options, ...extra, against: [first] });
    expect(run(runnerOf(second.loaded))).toEqual(run(runnerOf(whole)));
    const flowsOf = (object: DynamicObject['loaded']) =>
      [...object.typedMap('flows').entries()].sort((a, b) => Number(a[0]) - Number(b[0]));
    expect(flowsOf(first.loaded)).toEqual(flowsOf(whole));
    expect(flowsOf(first.loaded).length).toBeGreaterThan(4);
    expect(first.loaded.globals['threshold']).toBe(whole.globals['threshold']);
    expect(second.loaded.globals['threshold']).toBe(whole.globals['threshold']); // its extern
  });

  test('constants that a provider was loaded with hold for its code in others', () => {
    for (const via of ['copy', 'tail'] as const) {
      using first = load([provider], { ...options, globals: { mask: 0 } });
      using second = load([consumer], {
        ...options,
        against: [first],
        viaOf: name => (name === 'classify' ? via : 'copy'),
      });
      run(runnerOf(second.loaded));
      expect([...first.loaded.typedMap('flows').entries()]).toHaveLength(1);
    }
  });
});

host.describe('externs', () => {
  const sys = openSys();
  const options = { sys, pinRoot: null } as const;

  function errorOf(body: () => { close(): void }): RootletError {
    try {
      body().close();
    } catch (error) {
      if (error instanceof RootletError) return error;
      throw error;
    }
    throw new Error('was not refused');
  }

  const run = (object: DynamicObject, program: string): number =>
    object.loaded.testRun(program, new Uint8Array(64)).verdict;

  test('weak ones may stay open: the test for them is false, and true when they are bound', () => {
    const { provider, consumer } = compiled({
      provider: `${HEAD} __noinline int maybe(struct xdp_md *ctx) { return 7; } int setting = 5;`,
      consumer: `${HEAD} extern int maybe(struct xdp_md *ctx) __weak; extern int setting __weak;
SEC("xdp") int p(struct xdp_md *ctx) { int r = 1; if (maybe) r += maybe(ctx); if (&setting) r += 10 * setting; return r; }`,
    });
    const before = countFds();
    {
      using alone = load([consumer], options);
      expect(alone.bindings.map(({ extern, via }) => [extern, via])).toEqual([
        ['maybe', 'none'],
        ['setting', 'none'],
      ]);
      expect(run(alone, 'p')).toBe(1);
      for (const via of ['copy', 'tail'] as const) {
        using first = load([provider], options);
        using bound = load([consumer], { ...options, against: [first], via });
        expect(run(bound, 'p')).toBe(58);
      }
    }
    expect(countFds()).toBe(before);
  });

  test('a program of a provider can be called, by programs of its type', () => {
    const { provider, consumer, other } = compiled({
      provider: `${HEAD} int n; SEC("xdp") int inner(struct xdp_md *ctx) { n++; return 3; }`,
      consumer: `${HEAD} extern int inner(struct xdp_md *ctx); SEC("xdp") int p(struct xdp_md *ctx) { return inner(ctx) + 1; }`,
      other: `${HEAD} extern int inner(struct xdp_md *ctx); SEC("tc") int p(struct __sk_buff *skb) { return inner((void *)skb); }`,
    });
    using first = load([provider], options);
    for (const via of ['copy', 'tail'] as const) {
      using second = load([consumer], { ...options, against: [first], via });
      expect(run(second, 'p')).toBe(4);
    }
    expect(first.loaded.globals['n']).toBe(2);
    expect(errorOf(() => load([other], { ...options, against: [first] })).message).toMatch(
      /it is a program of type xdp, called by one of type sched_cls/,
    );
  });

  test('limits are reported before the kernel is asked', () => {
    const { provider, deep, kinds, callback } = compiled({
      provider: `${HEAD} __noinline int f(void *ctx) { return 1; } __noinline int g(struct xdp_md *ctx) { return 1; }
static long n; int step(__u32 at, void *data) { n++; return 0; }`,
      deep: `${HEAD} extern int g(struct xdp_md *ctx);
SEC("xdp") int p(struct xdp_md *ctx) { char room[256]; room[0] = 1; asm volatile("" : : "r"(room) : "memory"); return g(ctx) + room[0]; }`,
      kinds: `${HEAD} extern int f(void *ctx);
SEC("xdp") int p(struct xdp_md *ctx) { return f(ctx); } SEC("tc") int q(struct __sk_buff *skb) { return f(skb); }`,
      callback: `${HEAD} extern int step(__u32 at, void *data);
SEC("xdp") int p(struct xdp_md *ctx) { return bpf_loop(3, step, (void *)0, 0); }`,
    });
    using first = load([provider], options);
    const refused = (object: BpfObject, via: 'ext' | 'tail') =>
      errorOf(() => load([object], { ...options, against: [first], via })).problems.map(
        problem => `${problem.code}: ${problem.message}`,
      );
    expect(refused(deep, 'tail')).toEqual([
      'dynamic-via-refused: "g" cannot be bound by "tail": 256 bytes of stack are in use where it is called (p); with a tail call in a called function there must be less than 256',
    ]);
    expect(refused(kinds, 'tail')[0]).toMatch(/programs of different types call it \(xdp, sched_cls\)/);
    expect(refused(callback, 'ext')[0]).toMatch(/its address is taken \(passed as a callback\)/);
    for (const [object, program] of [
      [deep, 'p'],
      [kinds, 'q'],
      [callback, 'p'],
    ] as const) {
      using second = load([object], { ...options, against: [first] });
      expect(second.bindings[0]).toMatchObject({ via: 'copy', reason: expect.stringMatching(/not tail: /) });
      expect(run(second, program)).toBeGreaterThan(0);
    }
  });

  test('copied code that takes too much stack is reported with the way there', () => {
    const room = 'char room[300]; room[0] = 1; asm volatile("" : : "r"(room) : "memory");';
    const { provider, consumer } = compiled({
      provider: `${HEAD} __noinline int big(struct xdp_md *ctx) { ${room} return room[0]; }`,
      consumer: `${HEAD} extern int big(struct xdp_md *ctx); SEC("xdp") int p(struct xdp_md *ctx) { ${room} return big(ctx) + room[0]; }`,
    });
    using first = load([provider], options);
    const error = errorOf(() => load([consumer], { ...options, against: [first], via: 'copy' }));
    expect([error.code, error.message]).toEqual([
      'relink-stack',
      expect.stringMatching(/takes 608 bytes of stack; the kernel allows 512[\s\S]*p \(304\) -> big \(304\)/),
    ]);
  });

  test('what the kernel refuses as a slot is copied, and the reason says so', () => {
    // the packet pointer lives across the call: a function that tail-calls may move the packet
    const { provider, consumer } = compiled({
      provider: `${HEAD} __noinline int look(struct xdp_md *ctx) { return 1; }`,
      consumer: `${HEAD} extern int look(struct xdp_md *ctx);
SEC("xdp") int p(struct xdp_md *ctx) {
  unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (data + 14 > end) return 0;
  int r = look(ctx);
  return r + data[0]; }`,
    });
    using first = load([provider], options);
    using second = load([consumer], { ...options, against: [first] });
    const [binding] = second.bindings;
    if (binding?.via === 'copy')
      expect(binding.reason).toMatch(/not tail: the kernel refused the program with it/);
    expect(run(second, 'p')).toBe(1);
  });

  test('maps and variables that two providers call by one name stay apart', () => {
    const { one, two, consumer } = compiled({
      one: `${HEAD} int hits; __noinline int a(struct xdp_md *ctx) { hits++; return hits; }`,
      two: `${HEAD} int hits = 100; __noinline int b(struct xdp_md *ctx) { hits++; return hits; }`,
      consumer: `${HEAD} extern int a(struct xdp_md *ctx); extern int b(struct xdp_md *ctx); int hits = 50;
SEC("xdp") int p(struct xdp_md *ctx) { hits++; return a(ctx) * 10000 + b(ctx) * 10 + (hits - 50); }`,
    });
    for (const via of ['copy', 'tail'] as const) {
      using first = load([one], options);
      using second = load([two], options);
      using third = load([consumer], { ...options, against: [first, second], via });
      expect([run(third, 'p'), run(third, 'p')]).toEqual([11011, 21022]);
      expect([first, second, third].map(object => object.loaded.globals['hits'])).toEqual([2, 102, 52]);
    }
  });
});
