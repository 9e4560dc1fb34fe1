/** C for tests of chains: members whose verdict a byte of the packet decides, and that count what they are given. */

import { HEAD } from '../slots/support.ts';

/** Offset in the packet of the byte with the verdict of the member at a position. */
export const VERDICT_AT = 14;

export interface MemberParts {
  /** Its place among the bytes of the packet; default 0. */
  readonly at?: number;
  /** Name of the function; default `filter`. */
  readonly program?: string;
  /** Version that it counts under; default 0. */
  readonly version?: number;
  /** Section of the program; default `xdp`. */
  readonly section?: string;
  /** C before the program. */
  readonly globals?: string;
  /** C in it, before the verdict; `data` and `end` are there. */
  readonly code?: string;
  /** Number of entries of `counts`; default 8. */
  readonly entries?: number;
}

/**
 * A member: returns a byte of the packet. Counts packets by verdict in `counts` (entry 5: every other one), all of them
 * in the variable `seen`, and by version in `versions`.
 */
export function member(parts: MemberParts = {}): string {
  const { at = 0, program = 'filter', version = 0, section = 'xdp' } = parts;
  const { globals = '', code = '', entries = 8 } = parts;
  return `${HEAD}
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, ${entries}); __type(key, __u32); __type(value, __u64);
} counts SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64);
} versions SEC(".maps");
__u64 seen;
${globals}
static __always_inline void add(void *map, __u32 key) {
  __u64 *value = bpf_map_lookup_elem(map, &key);
  if (value) __sync_fetch_and_add(value, 1);
}
SEC("${section}") int ${program}(struct xdp_md *ctx) {
  unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (data + 64 > end) return XDP_PASS;
  __u32 verdict = data[${VERDICT_AT + at}];
  ${code}
  __sync_fetch_and_add(&seen, 1);
  add(&versions, ${version});
  add(&counts, verdict < 5 ? verdict : 5);
  return verdict;
}`;
}

/** A member with one map. */
export function small(parts: Pick<MemberParts, 'at' | 'program'> = {}): string {
  const { at = 0, program = 'filter' } = parts;
  return `${HEAD}
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64);
} counts SEC(".maps");
SEC("xdp") int ${program}(struct xdp_md *ctx) {
  unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (data + 64 > end) return XDP_PASS;
  __u32 verdict = data[${VERDICT_AT + at}], key = verdict < 5 ? verdict : 5;
  __u64 *value = bpf_map_lookup_elem(&counts, &key);
  if (value) __sync_fetch_and_add(value, 1);
  return verdict;
}`;
}
