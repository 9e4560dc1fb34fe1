/**
 * What kinds of programs, maps and attachments need: the first release of Linux that has them, and the
 * options that a kernel may have been built without. Source: include/uapi/linux/bpf.h and the Kconfig files
 * of the releases.
 */

export interface Needs {
  readonly since: string;
  /** CONFIG_… */
  readonly option?: string;
}

const needs = (since: string, option?: string): Needs =>
  option === undefined ? { since } : { since, option };
const EVENTS = 'CONFIG_BPF_EVENTS';
const CGROUP = 'CONFIG_CGROUP_BPF';
const TUNNEL = 'CONFIG_LWTUNNEL_BPF';
const TRAMPOLINE = 'CONFIG_BPF_JIT and CONFIG_DEBUG_INFO_BTF';

/** By the kernel's name, as in `progTypeName()`. */
export const PROGRAM_TYPE_NEEDS: ReadonlyMap<string, Needs> = new Map([
  ['socket_filter', needs('3.19')],
  ['kprobe', needs('4.1', EVENTS)],
  ['sched_cls', needs('4.1')],
  ['sched_act', needs('4.1')],
  ['tracepoint', needs('4.7', EVENTS)],
  ['xdp', needs('4.8')],
  ['perf_event', needs('4.9', EVENTS)],
  ['cgroup_skb', needs('4.10', CGROUP)],
  ['cgroup_sock', needs('4.10', CGROUP)],
  ['lwt_in', needs('4.10', TUNNEL)],
  ['lwt_out', needs('4.10', TUNNEL)],
  ['lwt_xmit', needs('4.10', TUNNEL)],
  ['sock_ops', needs('4.13', CGROUP)],
  ['sk_skb', needs('4.14', 'CONFIG_BPF_STREAM_PARSER')],
  ['cgroup_device', needs('4.15', CGROUP)],
  ['sk_msg', needs('4.17', 'CONFIG_NET_SOCK_MSG')],
  ['raw_tracepoint', needs('4.17', EVENTS)],
  ['cgroup_sock_addr', needs('4.17', CGROUP)],
  ['lwt_seg6local', needs('4.18', 'CONFIG_IPV6_SEG6_BPF')],
  ['lirc_mode2', needs('4.18', 'CONFIG_BPF_LIRC_MODE2')],
  ['sk_reuseport', needs('4.19')],
  ['flow_dissector', needs('4.20')],
  ['cgroup_sysctl', needs('5.2', CGROUP)],
  ['raw_tracepoint_writable', needs('5.2', EVENTS)],
  ['cgroup_sockopt', needs('5.3', CGROUP)],
  ['tracing', needs('5.5', TRAMPOLINE)],
  ['struct_ops', needs('5.6', TRAMPOLINE)],
  ['ext', needs('5.6', TRAMPOLINE)],
  ['lsm', needs('5.7', 'CONFIG_BPF_LSM')],
  ['sk_lookup', needs('5.9')],
  ['syscall', needs('5.14')],
  ['netfilter', needs('6.4', 'CONFIG_NETFILTER_BPF_LINK')],
]);

/** By the kernel's name, as in `mapTypeName()`. */
export const MAP_TYPE_NEEDS: ReadonlyMap<string, Needs> = new Map([
  ['hash', needs('3.19')],
  ['array', needs('3.19')],
  ['prog_array', needs('4.2')],
  ['perf_event_array', needs('4.3', 'CONFIG_PERF_EVENTS')],
  ['percpu_hash', needs('4.6')],
  ['percpu_array', needs('4.6')],
  ['stack_trace', needs('4.6', 'CONFIG_PERF_EVENTS')],
  ['cgroup_array', needs('4.8', 'CONFIG_CGROUPS')],
  ['lru_hash', needs('4.10')],
  ['lru_percpu_hash', needs('4.10')],
  ['lpm_trie', needs('4.11')],
  ['array_of_maps', needs('4.12')],
  ['hash_of_maps', needs('4.12')],
  ['devmap', needs('4.14', 'CONFIG_NET')],
  ['sockmap', needs('4.14', 'CONFIG_NET_SOCK_MSG')],
  ['cpumap', needs('4.15', 'CONFIG_NET')],
  ['xskmap', needs('4.18', 'CONFIG_XDP_SOCKETS')],
  ['sockhash', needs('4.18', 'CONFIG_NET_SOCK_MSG')],
  ['cgroup_storage', needs('4.19', CGROUP)],
  ['reuseport_sockarray', needs('4.19', 'CONFIG_INET')],
  ['percpu_cgroup_storage', needs('4.20', CGROUP)],
  ['queue', needs('4.20')],
  ['stack', needs('4.20')],
  ['sk_storage', needs('5.2', 'CONFIG_NET')],
  ['devmap_hash', needs('5.4', 'CONFIG_NET')],
  ['struct_ops', needs('5.6', TRAMPOLINE)],
  ['ringbuf', needs('5.8')],
  ['inode_storage', needs('5.10', 'CONFIG_BPF_LSM')],
  ['task_storage', needs('5.11')],
  ['bloom_filter', needs('5.16')],
  ['user_ringbuf', needs('6.1')],
  ['cgrp_storage', needs('6.2', 'CONFIG_CGROUPS')],
  ['arena', needs('6.9', 'CONFIG_MMU and 64 bits')],
  ['insn_array', needs('6.19')],
]);

/** By the names of the probes. */
export const ATTACHMENT_NEEDS: ReadonlyMap<string, Needs> = new Map([
  ['cgroup', needs('5.7', CGROUP)],
  ['perfEvent', needs('5.15', EVENTS)],
  ['tcx', needs('6.6', 'CONFIG_NET_XGRESS')],
  ['netkit', needs('6.7', 'CONFIG_NETKIT')],
]);

/** What to do where the kernel has none; undefined for names that are not in the table. */
export function fixFor(table: ReadonlyMap<string, Needs>, name: string): string | undefined {
  const found = table.get(name);
  if (found === undefined) return undefined;
  return `needs Linux ${found.since}${found.option === undefined ? '' : `, built with ${found.option}`}`;
}
