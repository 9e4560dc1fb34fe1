/** A program with every kind of map and variable that commands for values look at. */

export const EDGE = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
enum state { OPEN = 1, CLOSED };
struct rule { __u64 hits; enum state state; __u8 low : 3; __u8 high : 5; char name[8]; __be32 from; };
struct key { __be32 address; __u16 port; __u16 zone; };
struct limits { __u32 burst; __u16 rate[4]; struct { __u8 a, b; } in[2]; };
#define MAP(name, kind, entries, k, v) struct { __uint(type, kind); __uint(max_entries, entries); __type(key, k); \\
  __type(value, v); } name SEC(".maps")
MAP(rules, BPF_MAP_TYPE_HASH, 16, struct key, struct rule);
MAP(ports, BPF_MAP_TYPE_ARRAY, 4, __u32, __u16);
MAP(counts, BPF_MAP_TYPE_PERCPU_ARRAY, 2, __u32, __u64);
MAP(stages, BPF_MAP_TYPE_PROG_ARRAY, 4, __u32, __u32);
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); __type(value, struct rule); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4); __type(value, __u32); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __uint(key_size, 3); __uint(value_size, 5); } plain SEC(".maps");
__u32 limit = 5;
const volatile __u32 level = 3;
struct limits cfg = { .burst = 10 };
__u64 table[8];
char label[8] = "edge";
struct { __u8 low : 3; __u8 high : 5; } bits = { 1, 2 };
SEC(".data.extra") __s8 extra = -2;
SEC("xdp") int edge(struct xdp_md *ctx) {
  struct key key = { .address = 7, .port = 80 };
  struct rule *rule = bpf_map_lookup_elem(&rules, &key);
  __u32 one = limit + level + cfg.burst + table[1] + label[0] + extra + bits.low;
  if (rule) rule->hits++;
  bpf_map_push_elem(&queue, &one, 0);
  bpf_tail_call(ctx, &stages, 0);
  bpf_map_lookup_elem(&plain, &key);
  bpf_map_lookup_elem(&counts, &one);
  bpf_map_lookup_elem(&ports, &one);
  rule = bpf_ringbuf_reserve(&events, sizeof *rule, 0);
  if (rule) {
    __builtin_memset(rule, 0, sizeof *rule);
    rule->hits = limit;
    rule->state = OPEN;
    bpf_ringbuf_submit(rule, 0);
  }
  return limit > 100 ? XDP_DROP : XDP_PASS;
}
char _license[] SEC("license") = "GPL";
`;
