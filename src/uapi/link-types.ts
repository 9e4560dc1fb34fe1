/** `enum bpf_link_type` of linux/bpf.h. What links of each type can do is in src/hooks. */

export const BPF_LINK_TYPE_UNSPEC = 0;
export const BPF_LINK_TYPE_RAW_TRACEPOINT = 1;
export const BPF_LINK_TYPE_TRACING = 2;
export const BPF_LINK_TYPE_CGROUP = 3;
export const BPF_LINK_TYPE_ITER = 4;
export const BPF_LINK_TYPE_NETNS = 5;
export const BPF_LINK_TYPE_XDP = 6;
export const BPF_LINK_TYPE_PERF_EVENT = 7;
export const BPF_LINK_TYPE_KPROBE_MULTI = 8;
export const BPF_LINK_TYPE_STRUCT_OPS = 9;
export const BPF_LINK_TYPE_NETFILTER = 10;
export const BPF_LINK_TYPE_TCX = 11;
export const BPF_LINK_TYPE_UPROBE_MULTI = 12;
export const BPF_LINK_TYPE_NETKIT = 13;
export const BPF_LINK_TYPE_SOCKMAP = 14;

/** By number, without `BPF_LINK_TYPE_`. */
export const LINK_TYPE_NAMES = {
  [BPF_LINK_TYPE_UNSPEC]: 'UNSPEC',
  [BPF_LINK_TYPE_RAW_TRACEPOINT]: 'RAW_TRACEPOINT',
  [BPF_LINK_TYPE_TRACING]: 'TRACING',
  [BPF_LINK_TYPE_CGROUP]: 'CGROUP',
  [BPF_LINK_TYPE_ITER]: 'ITER',
  [BPF_LINK_TYPE_NETNS]: 'NETNS',
  [BPF_LINK_TYPE_XDP]: 'XDP',
  [BPF_LINK_TYPE_PERF_EVENT]: 'PERF_EVENT',
  [BPF_LINK_TYPE_KPROBE_MULTI]: 'KPROBE_MULTI',
  [BPF_LINK_TYPE_STRUCT_OPS]: 'STRUCT_OPS',
  [BPF_LINK_TYPE_NETFILTER]: 'NETFILTER',
  [BPF_LINK_TYPE_TCX]: 'TCX',
  [BPF_LINK_TYPE_UPROBE_MULTI]: 'UPROBE_MULTI',
  [BPF_LINK_TYPE_NETKIT]: 'NETKIT',
  [BPF_LINK_TYPE_SOCKMAP]: 'SOCKMAP',
} as const;

/** A link type that is known here: what tables with a row for each of them are keyed by. */
export type LinkTypeNumber = keyof typeof LINK_TYPE_NAMES;

/**
 * Row of a table with one for each link type; undefined for a type that is newer than the tables.
 * @internal
 */
export function rowOfLinkType<T>(table: Readonly<Record<LinkTypeNumber, T>>, type: number): T | undefined {
  return isLinkType(type) ? table[type] : undefined;
}

function isLinkType(type: number): type is LinkTypeNumber {
  return Object.hasOwn(LINK_TYPE_NAMES, type);
}
