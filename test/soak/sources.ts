/** C of the soak test. Names of programs begin with a prefix of this process, by which `measure.ts` knows them. */

import { HEAD, rootletSource } from '../e2e/slots/support.ts';
import { PREFIX } from './measure.ts';

/** A program with every kind of state. */
const counting = (section: string, context: string, name: string, verdict: number): string => `${HEAD}
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
__u64 runs;
__u32 start = 7;
const volatile __u32 limit = 3;
SEC("${section}") int ${PREFIX}${name}(struct ${context} *ctx) {
  __u32 key = 1;
  __u64 one = 1, *value = bpf_map_lookup_elem(&seen, &key);
  if (value) __sync_fetch_and_add(value, 1);
  else bpf_map_update_elem(&seen, &key, &one, 0);
  runs++;
  return limit == 9 ? (int)start : ${verdict};
}`;

/** Functions that call each other across files, with types of their own; file \`at\` of \`count\`. */
function large(at: number, count: number): string {
  const functions = Array.from(
    { length: 40 },
    (_, n) => `struct s${at}_${n} { __u64 a; __u32 b[${n + 1}]; struct s${at}_${n} *next; };
__noinline int f${at}_${n}(struct s${at}_${n} *s) { volatile __u64 v = ${n}; return s ? (int)(s->a + v) : ${n}; }`,
  );
  const next = (at + 1) % count;
  return `${HEAD}
struct s${next}_0;
extern int f${next}_0(struct s${next}_0 *s);
${functions.join('\n')}
SEC("xdp") int ${PREFIX}l${at}(struct xdp_md *ctx) { return f${at}_0(0) + f${next}_0(0) + f${at}_39(0); }`;
}

export const LARGE = 12;

export const LARGE_SOURCES = Object.fromEntries(
  Array.from({ length: LARGE }, (_, at) => [`large${at}`, large(at, LARGE)]),
);

const huge = `${HEAD}
char bytes[40 << 20] = { 1 };
SEC("xdp") int ${PREFIX}huge(struct xdp_md *ctx) { return bytes[ctx->rx_queue_index & 1023]; }`;

const core = `${HEAD}
#include <bpf/bpf_core_read.h>
struct task_struct { int pid; int tgid; struct task_struct *group_leader; } __attribute__((preserve_access_index));
SEC("raw_tp/sys_enter") int ${PREFIX}core(void *ctx) {
  struct task_struct *task = (void *)bpf_get_current_task();
  return BPF_CORE_READ(task, group_leader, pid) + bpf_core_field_exists(task->tgid);
}`;

const events = `${HEAD}
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf SEC(".maps");
__u64 produced, refused;
SEC("xdp") int ${PREFIX}ring(struct xdp_md *ctx) {
  __u64 number = produced++, *record = bpf_ringbuf_reserve(&ring, 16, 0);
  if (!record) { refused++; return 0; }
  record[0] = number;
  record[1] = ~number;
  bpf_ringbuf_submit(record, 0);
  return 1;
}
SEC("xdp") int ${PREFIX}perf(struct xdp_md *ctx) {
  __u64 number = produced++, record[2] = { number, ~number };
  if (bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, record, sizeof(record))) refused++;
  return 1;
}`;

const needy = `${HEAD} int nowhere(struct xdp_md *ctx); SEC("xdp") int ${PREFIX}needy(struct xdp_md *ctx) { return nowhere(ctx); }`;

const library = `${HEAD}
__u64 calls;
__noinline int ${PREFIX}judge(struct xdp_md *ctx) { calls++; return ctx ? 2 : 0; }
SEC("xdp") int ${PREFIX}entry(struct xdp_md *ctx) { return ${PREFIX}judge(ctx); }`;

const consumer = `${HEAD} extern int ${PREFIX}judge(struct xdp_md *ctx);
SEC("xdp") int ${PREFIX}user(struct xdp_md *ctx) { return ${PREFIX}judge(ctx); }`;

export const SOURCES = {
  a: counting('xdp', 'xdp_md', 'a', 2),
  b: counting('xdp', 'xdp_md', 'b', 2),
  c: counting('xdp', 'xdp_md', 'a', 1),
  tc_a: counting('tc', '__sk_buff', 'ta', -1),
  tc_b: counting('tc', '__sk_buff', 'tb', -1),
  tc_c: counting('tc', '__sk_buff', 'ta', 0),
  host: rootletSource('xdp', 'xdp_md', 2).replace('host(', `${PREFIX}host(`),
  refused: `${HEAD} SEC("xdp") int ${PREFIX}bad(struct xdp_md *ctx) { return *(int *)(long)ctx->data; }`,
  tc_refused: `${HEAD} SEC("tc") int ${PREFIX}bad(struct __sk_buff *skb) { return *(int *)(long)skb->data; }`,
  huge,
  core,
  events,
  needy,
  library,
  consumer,
} as const;
