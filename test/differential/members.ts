/**
 * Members of chains in C, each with something that an optimizer could get wrong, and the means to run chains of
 * them before and after.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ChainRelinkOptions, relinkChain } from '../../src/link/relink-chain.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { INCLUDES } from '../support/compile.ts';
import { COMMANDS } from '../support/needs.ts';
import { runTool } from '../support/run.ts';
import { relinked } from './chains.ts';
import { randomPackets } from './observe.ts';

const HEAD = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#define NOINLINE __attribute__((noinline))
#define XDP(name) SEC("xdp") int name(struct xdp_md *ctx)
#define TC(name) SEC("tc") int name(struct __sk_buff *ctx)
#define BEGIN ((unsigned char *)(long)ctx->data)
#define END ((unsigned char *)(long)ctx->data_end)
#define PACKET(n) unsigned char *p = BEGIN; if (p + (n) > END) return PASS
char _license[] SEC("license") = "GPL";
`;
const XDP = `${HEAD}
#define PASS XDP_PASS
#define DROP XDP_DROP
`;
const TC = `${HEAD}
#define PASS 0
#define DROP 2
`;

/** XDP members. PASS goes on. */
const XDP_SOURCES = {
  plain:
    'unsigned long seen; XDP(plain) { PACKET(20); if (p[12] == 3) return DROP; seen += p[14]; return PASS; }',
  again:
    'unsigned long more; XDP(again) { PACKET(20); if (p[12] == 3) more++; if (p[14] == 1) return DROP; return PASS; }',
  reads:
    'unsigned long sevens; XDP(reads) { PACKET(24); if (p[14] == 2) sevens++; if (p[14] == 3) return DROP; return PASS; }',
  writes: 'XDP(writes) { PACKET(30); p[14] = (p[14] + 1) & 3; return PASS; }',
  wide: 'XDP(wide) { PACKET(30); *(unsigned *)(p + 12) += 0x10000; return PASS; }',
  jumps: `int after(struct xdp_md *ctx);
    struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int(void *)); }
    targets SEC(".maps") = { .values = { [1] = (void *)&after } };
    unsigned long jumped, stayed;
    XDP(after) { jumped++; return PASS; }
    XDP(jumps) { PACKET(16); unsigned n = p[13] & 1; stayed++; bpf_tail_call(ctx, &targets, n); stayed += 100; return DROP; }`,
  large: `unsigned long sum; XDP(large) { unsigned char b[280]; __builtin_memset(b, 1, sizeof b);
    if (bpf_xdp_load_bytes(ctx, 0, b, 14)) return PASS; for (int i = 0; i < 280; i += 8) sum += b[i]; return PASS; }`,
  huge: `unsigned long total; NOINLINE int deep(struct xdp_md *ctx) { unsigned char b[240]; __builtin_memset(b, 2, sizeof b);
    if (bpf_xdp_load_bytes(ctx, 0, b, 14)) return 0; for (int i = 0; i < 240; i += 8) total += b[i]; return b[3]; }
    XDP(huge) { return deep(ctx) == 3 ? DROP : PASS; }`,
  chosen: `unsigned long found; static NOINLINE int inner(struct xdp_md *ctx) { unsigned char c[64]; __builtin_memset(c, 0xee, sizeof c);
    bpf_xdp_load_bytes(ctx, 1, c, 9); return c[20] + c[2]; }
    XDP(chosen) { unsigned char b[64]; unsigned char *q = ctx->rx_queue_index ? b : b + 32;
    if (bpf_xdp_load_bytes(ctx, 0, q, 14)) return PASS; int r = inner(ctx); found += r + q[3]; return q[3] == 3 ? DROP : PASS; }`,
  callback: `unsigned long rounds; static int body(__u32 i, void *sum) { *(unsigned long *)sum += i; return 0; }
    XDP(callback) { unsigned long sum = 0; PACKET(16); bpf_loop(p[13] & 7, body, &sum, 0); rounds += sum; return sum == 3 ? DROP : PASS; }`,
  direct: `unsigned long both; static NOINLINE int body(__u32 i, void *sum) { *(unsigned long *)sum += i + 1; return 0; }
    XDP(direct) { unsigned long sum = 0; body(7, &sum); bpf_loop(3, body, &sum, 0); both += sum; return PASS; }`,
  pointer: `unsigned long pairs; struct pair { int a, b; };
    NOINLINE int fill(struct pair *q, int v) { if (!q) return -1; q->a = v; q->b = v + 1; return q->a; }
    XDP(pointer) { PACKET(16); struct pair q = {}; int r = fill(&q, p[13]); pairs += q.a + q.b + r; return q.a == 2 ? DROP : PASS; }`,
  twice: `unsigned long bytes; static NOINLINE int add(struct xdp_md *ctx, int at) { PACKET(40); if (at < 0 || at > 30) return 0; bytes += p[at]; return p[at]; }
    XDP(twice) { int a = add(ctx, 12), b = add(ctx, 14); return a == 1 && b == 3 ? DROP : PASS; }`,
  counts: `unsigned long calls; static NOINLINE unsigned long next(void) { return ++calls; }
    XDP(counts) { unsigned long one = next(), two = next(); return two == one + 1 && (two & 15) != 6 ? PASS : DROP; }`,
  locked: `struct value { struct bpf_spin_lock lock; int n; };
    struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct value); } values SEC(".maps");
    XDP(locked) { int k = 0; struct value *v = bpf_map_lookup_elem(&values, &k); if (!v) return PASS; int old;
    bpf_spin_lock(&v->lock); old = v->n++; bpf_spin_unlock(&v->lock); return (old & 7) == 6 ? DROP : PASS; }`,
  rcu: `extern void bpf_rcu_read_lock(void) __ksym __weak; extern void bpf_rcu_read_unlock(void) __ksym __weak; unsigned long reads;
    XDP(rcu) { if (!bpf_rcu_read_lock) return PASS; bpf_rcu_read_lock(); reads++; bpf_rcu_read_unlock(); return PASS; }`,
  ring: `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps"); unsigned long sent;
    XDP(ring) { PACKET(20); unsigned *e = bpf_ringbuf_reserve(&events, 8, 0); if (!e) return PASS; e[0] = p[13]; e[1] = 0;
    if (p[14] & 1) bpf_ringbuf_submit(e, 0); else { sent++; bpf_ringbuf_discard(e, 0); } return PASS; }`,
  moves: `unsigned long moved; XDP(moves) { PACKET(30); int t = p[13] & 1; if (t && bpf_xdp_adjust_head(ctx, 4)) return DROP;
    p = BEGIN; if (p + 20 > END) return PASS; moved += p[12]; p[14] = 3; return PASS; }`,
  cuts: 'XDP(cuts) { bpf_xdp_adjust_tail(ctx, -4); return PASS; }',
  meta: `unsigned long noted; XDP(meta) { if (bpf_xdp_adjust_meta(ctx, -4)) return PASS; unsigned char *m = (void *)(long)ctx->data_meta;
    if (m + 4 > BEGIN) return PASS; m[0] = 7; m[1] = 8; PACKET(16); noted += m[0] + p[13]; return PASS; }`,
  counter: `struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, long); } runs SEC(".maps"); volatile long shown;
    XDP(counter) { int k = 0; long *n = bpf_map_lookup_elem(&runs, &k); if (!n) return PASS; long a = *n; __sync_fetch_and_add(n, 1);
    long b = *(volatile long *)n; shown += b - a; return b == a + 1 ? PASS : DROP; }`,
  swaps: `unsigned long word, last; XDP(swaps) { PACKET(20); unsigned long o = __sync_val_compare_and_swap(&word, p[13] & 3, p[14] & 3);
    last = __sync_lock_test_and_set(&word, o + 1); return o == 2 ? DROP : PASS; }`,
  loops: `unsigned long loops_; XDP(loops) { PACKET(48); unsigned s = 0;
    _Pragma("clang loop unroll(disable)") for (int i = 0; i < 40; i++) s = s * 3 + p[i]; loops_ += s; return (s & 31) == 5 ? DROP : PASS; }`,
  varies: `unsigned long sums; XDP(varies) { unsigned char *p = BEGIN; unsigned s = 0;
    for (int i = 0; i < 70; i++) { if (p + i + 1 > END) break; s = s * 31 + p[i]; } sums += s; return (s & 15) == 3 ? DROP : PASS; }`,
  deep: `unsigned long nested; static NOINLINE int low(struct xdp_md *ctx, unsigned char *to) { unsigned char b[96]; __builtin_memset(b, 1, sizeof b);
    if (bpf_xdp_load_bytes(ctx, 0, b, 14)) return 0; to[0] = b[3]; return b[0]; }
    XDP(deep) { unsigned char b[128]; __builtin_memset(b, 3, sizeof b); int r = low(ctx, b + 8); nested += r + b[8] + b[20]; return r == 2 ? DROP : PASS; }`,
  offsets: `struct xdp_md___x { __u32 rx_queue_index, data_end; } __attribute__((preserve_access_index)); struct none___x { int a; } __attribute__((preserve_access_index));
    volatile unsigned long at; XDP(offsets) { PACKET(20); unsigned n = bpf_core_field_offset(struct xdp_md___x, rx_queue_index);
    if (bpf_core_type_exists(struct none___x)) return DROP; if (p[13] == 1) n += bpf_core_field_size(struct xdp_md___x, data_end); at += n; return n == 20 ? DROP : PASS; }`,
  chooses: `unsigned long ways; XDP(chooses) { PACKET(20); unsigned char t = p[12]; int a = 0; if (p[13] == 1) { if (t != 2) return PASS; a = 1; }
    if (t == 2) ways += 1 + a; else ways += 1000; return ways % 7 == 3 ? DROP : PASS; }`,
  halves: `volatile unsigned long high = 0x100000005; unsigned long same; XDP(halves) { unsigned long v = high; unsigned low = v;
    asm volatile("%0 = %0" : "+r"(v)); if (low == 5) same++; if (v == 5) same += 1000; if (low == (unsigned)v) same += 3; return v == low ? DROP : PASS; }`,
  low: `unsigned long lows; XDP(low) { unsigned long v = 0x700000001, w; asm volatile("r1 = %1; w1 = w1; %0 = r1" : "=r"(w), "+r"(v) : : "r1");
    lows += v + w; return w == v ? DROP : PASS; }`,
  partial: `volatile unsigned long sink; XDP(partial) { PACKET(20); unsigned long q; asm volatile("r1 = %1; w1 = w1; %0 = r1; %0 &= 0" : "=r"(q) : "r"(p) : "r1");
    sink += q; return p[13] == 3 ? DROP : PASS; }`,
  below: `unsigned long kept; static NOINLINE int sub(int v) { long out; asm volatile("r1 = r10; r1 -= 16; *(u64 *)(r1 + 0) = %1; %0 = *(u64 *)(r10 - 16)" : "=r"(out) : "r"((long)v) : "r1", "memory"); return out; }
    XDP(below) { PACKET(20); kept += sub(p[13]); return PASS; }`,
  saved: `unsigned long held; static NOINLINE int spill(int v) { long out; asm volatile("*(u64 *)(r10 - 8) = r10; r1 = *(u64 *)(r10 - 8); *(u64 *)(r1 - 24) = %1; %0 = *(u64 *)(r1 - 24)" : "=r"(out) : "r"((long)v) : "r1", "memory"); return out; }
    XDP(saved) { PACKET(20); held += spill(p[13]); return PASS; }`,
  unknown: `unsigned long slots; static NOINLINE int vary(int v) { long out; asm volatile("r1 = 0; *(u64 *)(r10 - 8) = r1; *(u64 *)(r10 - 16) = r1; r2 = %1; r2 &= 8; r1 = r10; r1 += -16; r1 += r2; *(u64 *)(r1 + 0) = %1; %0 = *(u64 *)(r10 - 16)" : "=r"(out) : "r"((long)v) : "r1", "r2", "memory"); return out; }
    XDP(unknown) { PACKET(20); slots += vary(p[13]); return PASS; }`,
  may: `unsigned long turns; static NOINLINE int turn(int v) { asm volatile("1: may_goto 2f; %0 += 1; if %0 < 9 goto 1b; 2:" : "+r"(v)); return v; }
    XDP(may) { PACKET(20); turns += turn(p[13]); return PASS; }`,
  views: `extern int bpf_dynptr_from_xdp(struct xdp_md *, __u64, struct bpf_dynptr *) __ksym; unsigned long viewed;
    XDP(views) { struct bpf_dynptr d; unsigned char b[4]; if (bpf_dynptr_from_xdp(ctx, 0, &d) || bpf_dynptr_read(b, 4, &d, 12, 0)) return PASS;
    viewed += b[2]; return b[1] == 3 ? DROP : PASS; }`,
  slices: `extern int bpf_dynptr_from_xdp(struct xdp_md *, __u64, struct bpf_dynptr *) __ksym; extern void *bpf_dynptr_slice(const struct bpf_dynptr *, __u32, void *, __u32) __ksym;
    unsigned long sliced; static NOINLINE unsigned char *slice(struct xdp_md *ctx, unsigned char *b) { struct bpf_dynptr d; if (bpf_dynptr_from_xdp(ctx, 0, &d)) return 0; return bpf_dynptr_slice(&d, 8, b, 8); }
    static NOINLINE int copied(struct xdp_md *ctx) { unsigned char b[32]; if (bpf_xdp_load_bytes(ctx, 0, b, 32)) return 0; return b[13]; }
    XDP(slices) { unsigned char b[8] = {}; unsigned char *q = slice(ctx, b); int c = copied(ctx); if (!q) return PASS; sliced += q[4] + c; return q[5] == 3 ? DROP : PASS; }`,
  buffer:
    'unsigned long copies; XDP(buffer) { unsigned char b[40]; if (bpf_xdp_load_bytes(ctx, 0, b, 40)) return PASS; copies += b[12]; return b[14] == 2 ? DROP : PASS; }',
  queue:
    'unsigned long queues; XDP(queue) { queues += ctx->ingress_ifindex; return ctx->rx_queue_index == 3 ? DROP : PASS; }',
} as const;

/** Classifiers. 0 goes on. */
const TC_SOURCES = {
  marks: 'TC(marks) { PACKET(20); ctx->mark = p[13]; return PASS; }',
  marked: 'unsigned long marks_; TC(marked) { marks_ += ctx->mark; return ctx->mark == 3 ? DROP : PASS; }',
  boxes: 'TC(boxes) { ctx->cb[1] = ctx->cb[1] * 3 + ctx->len; return ctx->cb[1] % 11 == 4 ? DROP : PASS; }',
  pulls:
    'unsigned long pulled; TC(pulls) { PACKET(20); pulled += p[13]; bpf_skb_pull_data(ctx, 30); p = BEGIN; if (p + 30 > END) return PASS; return p[14] == 3 ? DROP : PASS; }',
  stores: `unsigned long old; TC(stores) { PACKET(20); old += p[14]; unsigned char v = p[13] & 3; bpf_skb_store_bytes(ctx, 14, &v, 1, 0);
    p = BEGIN; if (p + 20 > END) return PASS; old += p[14]; return PASS; }`,
  looks:
    'unsigned long seen_; TC(looks) { PACKET(20); seen_ += p[14]; if (p[14] == 1) return DROP; return PASS; }',
  socket: `unsigned long families; static NOINLINE unsigned one(struct __sk_buff *ctx) { unsigned v; asm volatile("%0 = *(u32 *)(%1 + 4)" : "=r"(v) : "r"(ctx)); return v; }
    static NOINLINE unsigned other(struct bpf_sock *sk) { unsigned v; asm volatile("%0 = *(u32 *)(%1 + 4)" : "=r"(v) : "r"(sk)); return v; }
    TC(socket) { struct bpf_sock *sk = ctx->sk; unsigned v; if (ctx->mark && sk) v = other(sk); else v = one(ctx); families += v; return v == 7 ? DROP : PASS; }`,
  classic: `unsigned long olds; TC(classic) { unsigned v; asm volatile("r6 = %1; r0 = *(u8 *)skb[13]; %0 = r0" : "=r"(v) : "r"(ctx) : "r0", "r1", "r2", "r3", "r4", "r5", "r6"); olds += v; return v == 3 ? DROP : PASS; }`,
} as const;

export type MemberName = keyof typeof XDP_SOURCES | keyof typeof TC_SOURCES;
const CPUS: Readonly<Partial<Record<MemberName, string>>> = { may: 'v4' };

/** Compiles members, each once; the directory is removed. */
export function compileMembers(names: readonly MemberName[]): ReadonlyMap<MemberName, BpfObject> {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-members-'));
  const sources: Readonly<Record<string, string>> = { ...XDP_SOURCES, ...TC_SOURCES };
  const compile = (name: MemberName): BpfObject => {
    const [source, object] = [path.join(directory, `${name}.bpf.c`), path.join(directory, `${name}.o`)];
    writeFileSync(source, `${name in TC_SOURCES ? TC : XDP}\n${sources[name] ?? ''}\n`);
    const flags = ['-target', 'bpfel', '-g', '-O2', `-mcpu=${CPUS[name] ?? 'v3'}`];
    runTool(COMMANDS.clang, [...flags, ...INCLUDES, '-c', source, '-o', object]);
    return readObject({ name: `${name}.o`, bytes: readFileSync(object) });
  };
  try {
    return new Map(names.map(name => [name, compile(name)]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export const ALL_MEMBERS: readonly MemberName[] = Object.keys({ ...XDP_SOURCES, ...TC_SOURCES }).map(
  name => name as MemberName, // keys of the tables
);
export const TC_MEMBERS: readonly MemberName[] = Object.keys(TC_SOURCES).map(name => name as MemberName);

/** A chain of compiled members; a verdict that lets a packet pass goes on. */
export function memberChain(
  members: ReadonlyMap<MemberName, BpfObject>,
  names: readonly MemberName[],
  options: ChainRelinkOptions = {},
): BpfObject {
  const parts = names.flatMap(name => {
    const component = members.get(name);
    return component === undefined ? [] : [{ component, program: name }];
  });
  const continueOn = names.some(name => name in TC_SOURCES) ? ['0'] : ['2'];
  return relinked(relinkChain(parts, { program: 'chain', continueOn, optimize: false, ...options }));
}

/** Packets whose bytes 12 to 14 take all values from 0 to 3, of several lengths. */
export function memberPackets(): Uint8Array[] {
  return randomPackets(7, 64).map((packet, at) => {
    packet.set([at & 3, (at >> 2) & 3, (at >> 4) & 3], 12 - (packet.length < 15 ? 3 : 0));
    return packet;
  });
}
