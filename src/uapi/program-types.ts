/** `enum bpf_prog_type` of linux/bpf.h, and the words for its values that bpftool and libbpf print. */

/** enum bpf_prog_type. */
export const BPF_PROG_TYPE_UNSPEC = 0;
export const BPF_PROG_TYPE_SOCKET_FILTER = 1;
export const BPF_PROG_TYPE_KPROBE = 2;
export const BPF_PROG_TYPE_SCHED_CLS = 3;
export const BPF_PROG_TYPE_SCHED_ACT = 4;
export const BPF_PROG_TYPE_TRACEPOINT = 5;
export const BPF_PROG_TYPE_XDP = 6;
export const BPF_PROG_TYPE_PERF_EVENT = 7;
export const BPF_PROG_TYPE_CGROUP_SKB = 8;
export const BPF_PROG_TYPE_CGROUP_SOCK = 9;
export const BPF_PROG_TYPE_LWT_IN = 10;
export const BPF_PROG_TYPE_LWT_OUT = 11;
export const BPF_PROG_TYPE_LWT_XMIT = 12;
export const BPF_PROG_TYPE_SOCK_OPS = 13;
export const BPF_PROG_TYPE_SK_SKB = 14;
export const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
export const BPF_PROG_TYPE_SK_MSG = 16;
export const BPF_PROG_TYPE_RAW_TRACEPOINT = 17;
export const BPF_PROG_TYPE_CGROUP_SOCK_ADDR = 18;
export const BPF_PROG_TYPE_LWT_SEG6LOCAL = 19;
export const BPF_PROG_TYPE_LIRC_MODE2 = 20;
export const BPF_PROG_TYPE_SK_REUSEPORT = 21;
export const BPF_PROG_TYPE_FLOW_DISSECTOR = 22;
export const BPF_PROG_TYPE_CGROUP_SYSCTL = 23;
export const BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE = 24;
export const BPF_PROG_TYPE_CGROUP_SOCKOPT = 25;
export const BPF_PROG_TYPE_TRACING = 26;
export const BPF_PROG_TYPE_STRUCT_OPS = 27;
export const BPF_PROG_TYPE_EXT = 28;
export const BPF_PROG_TYPE_LSM = 29;
export const BPF_PROG_TYPE_SK_LOOKUP = 30;
export const BPF_PROG_TYPE_SYSCALL = 31;
export const BPF_PROG_TYPE_NETFILTER = 32;

const PROG_TYPE_NAMES = {
  [BPF_PROG_TYPE_UNSPEC]: 'unspec',
  [BPF_PROG_TYPE_SOCKET_FILTER]: 'socket_filter',
  [BPF_PROG_TYPE_KPROBE]: 'kprobe',
  [BPF_PROG_TYPE_SCHED_CLS]: 'sched_cls',
  [BPF_PROG_TYPE_SCHED_ACT]: 'sched_act',
  [BPF_PROG_TYPE_TRACEPOINT]: 'tracepoint',
  [BPF_PROG_TYPE_XDP]: 'xdp',
  [BPF_PROG_TYPE_PERF_EVENT]: 'perf_event',
  [BPF_PROG_TYPE_CGROUP_SKB]: 'cgroup_skb',
  [BPF_PROG_TYPE_CGROUP_SOCK]: 'cgroup_sock',
  [BPF_PROG_TYPE_LWT_IN]: 'lwt_in',
  [BPF_PROG_TYPE_LWT_OUT]: 'lwt_out',
  [BPF_PROG_TYPE_LWT_XMIT]: 'lwt_xmit',
  [BPF_PROG_TYPE_SOCK_OPS]: 'sock_ops',
  [BPF_PROG_TYPE_SK_SKB]: 'sk_skb',
  [BPF_PROG_TYPE_CGROUP_DEVICE]: 'cgroup_device',
  [BPF_PROG_TYPE_SK_MSG]: 'sk_msg',
  [BPF_PROG_TYPE_RAW_TRACEPOINT]: 'raw_tracepoint',
  [BPF_PROG_TYPE_CGROUP_SOCK_ADDR]: 'cgroup_sock_addr',
  [BPF_PROG_TYPE_LWT_SEG6LOCAL]: 'lwt_seg6local',
  [BPF_PROG_TYPE_LIRC_MODE2]: 'lirc_mode2',
  [BPF_PROG_TYPE_SK_REUSEPORT]: 'sk_reuseport',
  [BPF_PROG_TYPE_FLOW_DISSECTOR]: 'flow_dissector',
  [BPF_PROG_TYPE_CGROUP_SYSCTL]: 'cgroup_sysctl',
  [BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE]: 'raw_tracepoint_writable',
  [BPF_PROG_TYPE_CGROUP_SOCKOPT]: 'cgroup_sockopt',
  [BPF_PROG_TYPE_TRACING]: 'tracing',
  [BPF_PROG_TYPE_STRUCT_OPS]: 'struct_ops',
  [BPF_PROG_TYPE_EXT]: 'ext',
  [BPF_PROG_TYPE_LSM]: 'lsm',
  [BPF_PROG_TYPE_SK_LOOKUP]: 'sk_lookup',
  [BPF_PROG_TYPE_SYSCALL]: 'syscall',
  [BPF_PROG_TYPE_NETFILTER]: 'netfilter',
} as const;

/** A program type that is known here: what tables with a row for each of them are keyed by. */
export type ProgType = Exclude<keyof typeof PROG_TYPE_NAMES, typeof BPF_PROG_TYPE_UNSPEC>;

function isProgType(type: number): type is ProgType {
  return type !== BPF_PROG_TYPE_UNSPEC && Object.hasOwn(PROG_TYPE_NAMES, type);
}

/**
 * Row of a table with one for each program type; undefined for a type that is newer than the tables.
 * @internal
 */
export function rowOfProgType<T>(table: Readonly<Record<ProgType, T>>, type: number): T | undefined {
  return isProgType(type) ? table[type] : undefined;
}

/** Word for a program type, e.g. `xdp`; `program type 99` when it is newer than this table. */
export function progTypeName(type: number): string {
  if (type === BPF_PROG_TYPE_UNSPEC) return PROG_TYPE_NAMES[type];
  return rowOfProgType(PROG_TYPE_NAMES, type) ?? `program type ${type}`;
}

/** How many program types are known here, with 0, "unspecified". */
export const PROG_TYPE_COUNT = Object.keys(PROG_TYPE_NAMES).length;
