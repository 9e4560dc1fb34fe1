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

/** Indexed by enum bpf_link_type; without `BPF_LINK_TYPE_`. */
export const LINK_TYPE_NAMES: readonly string[] = [
  'UNSPEC',
  'RAW_TRACEPOINT',
  'TRACING',
  'CGROUP',
  'ITER',
  'NETNS',
  'XDP',
  'PERF_EVENT',
  'KPROBE_MULTI',
  'STRUCT_OPS',
  'NETFILTER',
  'TCX',
  'UPROBE_MULTI',
  'NETKIT',
  'SOCKMAP',
];
