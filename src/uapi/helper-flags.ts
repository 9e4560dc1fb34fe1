/**
 * Flags and modes of helper functions.
 *
 * Source: include/uapi/linux/bpf.h, Linux 6.18.
 */

/** Where bpf_redirect and bpf_redirect_map send a packet. */
export const BPF_F_INGRESS = 1;
export const BPF_F_BROADCAST = 8;

/** Flags of bpf_skb_store_bytes. */
export const BPF_F_RECOMPUTE_CSUM = 1;
export const BPF_F_INVALIDATE_HASH = 2;

/** Flags of bpf_l4_csum_replace; the low four bits are the size of the field. */
export const BPF_F_MARK_MANGLED_0 = 0x20;
export const BPF_F_MARK_ENFORCE = 0x40;

/** The part of the flags of bpf_perf_event_output that is an index. */
export const BPF_F_INDEX_MASK = 0xffffffff;

/** Flags of bpf_ringbuf_output, _submit and _discard. */
export const BPF_RB_NO_WAKEUP = 1;
export const BPF_RB_FORCE_WAKEUP = 2;

/** Modes of bpf_skb_adjust_room: where the room is. */
export const BPF_ADJ_ROOM_NET = 0;
export const BPF_ADJ_ROOM_MAC = 1;

/** Flags of bpf_skb_adjust_room. */
export const BPF_F_ADJ_ROOM_FIXED_GSO = 0x01;
export const BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 = 0x02;
export const BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 = 0x04;
export const BPF_F_ADJ_ROOM_ENCAP_L4_GRE = 0x08;
export const BPF_F_ADJ_ROOM_ENCAP_L4_UDP = 0x10;
export const BPF_F_ADJ_ROOM_NO_CSUM_RESET = 0x20;
export const BPF_F_ADJ_ROOM_ENCAP_L2_ETH = 0x40;
export const BPF_F_ADJ_ROOM_DECAP_L3_IPV4 = 0x80;
export const BPF_F_ADJ_ROOM_DECAP_L3_IPV6 = 0x100;

/** Results of bpf_fib_lookup. */
export const BPF_FIB_LKUP_RET_NOT_FWDED = 4;
