/**
 * What helpers do beyond their result: which may change the packet, which may sleep, which call back, and which
 * surely leave the packet and the context as they are.
 *
 * The first two are the kernel's own lists, which it compares for functions that replace each other. The last is
 * shorter than their complement: a helper that may write into a packet through a pointer, or that changes a field
 * of the context, is in none of the kernel's lists, but what was read before it is out of date.
 *
 * Source: Linux net/core/filter.c, bpf_helper_changes_pkt_data(); `might_sleep` of struct bpf_func_proto.
 */

import { bugError } from '../diag/index.ts';
import { BPF_FUNC_TAIL_CALL, helperId } from './helpers.ts';
import { type Insn, OP_CALL } from './opcodes.ts';

const PACKET_CHANGING = idsOf(`
  skb_vlan_push skb_vlan_pop skb_store_bytes skb_change_proto skb_change_head skb_change_tail skb_pull_data
  skb_adjust_room l3_csum_replace l4_csum_replace clone_redirect
  xdp_adjust_head xdp_adjust_tail xdp_adjust_meta msg_pull_data msg_push_data msg_pop_data
  lwt_push_encap lwt_seg6_store_bytes lwt_seg6_adjust_srh lwt_seg6_action store_hdr_opt
`);

const SLEEPING = idsOf('copy_from_user copy_from_user_task ima_inode_hash ima_file_hash d_path');

/**
 * Reviewed one by one. Not here: helpers with a pointer that they write through (`skb_load_bytes`, `fib_lookup`,
 * `map_pop_elem`, `check_mtu`, …), with a callback (`loop`, `for_each_map_elem`, …), those that change a field
 * of the context (`get_hash_recalc` sets `hash`, `sk_assign` sets `sk`, `skb_set_tstamp`, `skb_change_type`, …)
 * or bytes of the packet without moving it (`skb_ecn_set_ce`).
 */
const PACKET_KEEPING = idsOf(`
  map_lookup_elem map_update_elem map_delete_elem map_push_elem map_lookup_percpu_elem
  per_cpu_ptr this_cpu_ptr kptr_xchg spin_lock spin_unlock
  timer_init timer_set_callback timer_start timer_cancel
  sk_storage_get sk_storage_delete get_local_storage task_storage_get task_storage_delete
  cgrp_storage_get cgrp_storage_delete
  ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard ringbuf_query
  perf_event_output perf_event_read trace_printk trace_vprintk
  ktime_get_ns ktime_get_boot_ns ktime_get_coarse_ns ktime_get_tai_ns jiffies64
  get_prandom_u32 get_smp_processor_id get_numa_node_id
  get_current_task get_current_task_btf get_current_pid_tgid get_current_uid_gid get_current_cgroup_id
  get_current_ancestor_cgroup_id current_task_under_cgroup
  redirect redirect_map redirect_neigh redirect_peer
  csum_diff strncmp xdp_get_buff_len
  get_cgroup_classid skb_cgroup_classid skb_cgroup_id skb_ancestor_cgroup_id skb_under_cgroup get_route_realm
  get_socket_cookie get_socket_uid get_netns_cookie
  sk_lookup_tcp sk_lookup_udp skc_lookup_tcp sk_release sk_fullsock tcp_sock get_listener_sock
  sk_cgroup_id sk_ancestor_cgroup_id
  skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock
  skc_to_unix_sock skc_to_mptcp_sock
  tcp_check_syncookie tcp_gen_syncookie tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6
  tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6
`);

const CALLING_BACK = idsOf('for_each_map_elem find_vma loop user_ringbuf_drain');

/** Numbers of the helpers that have these names, without `bpf_`. */
function idsOf(names: string): ReadonlySet<number> {
  return new Set(names.trim().split(/\s+/).map(idOf));
}

function idOf(name: string): number {
  const id = helperId(`bpf_${name}`);
  if (id === undefined) throw bugError([], `there is no helper bpf_${name}`);
  return id;
}

/**
 * Whether the kernel counts the helper among those that may change packets: pointers into the packet are not
 * valid after it. A tail call counts as one.
 */
export function changesPacket(helper: number): boolean {
  return PACKET_CHANGING.has(helper) || helper === BPF_FUNC_TAIL_CALL;
}

/** Whether the helper may sleep. */
export function maySleep(helper: number): boolean {
  return SLEEPING.has(helper);
}

/** Whether the helper calls a function of the program before it returns, which gets an address that it was given. */
export function callsBack(helper: number): boolean {
  return CALLING_BACK.has(helper);
}

/**
 * Whether the helper surely changes neither bytes of the packet, nor where it lies, nor a field of the context.
 * False for whatever is not known.
 */
export function keepsPacket(helper: number): boolean {
  return PACKET_KEEPING.has(helper);
}

/** Whether the instruction is a call of such a helper. Functions and kfuncs may do anything. */
export function callKeepsPacket({ opcode, src, imm }: Insn): boolean {
  return opcode === OP_CALL && src === 0 && keepsPacket(imm);
}
