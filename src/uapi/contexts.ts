/**
 * Contexts of programs that work on packets: byte offsets of their fields. u32 each, unless the comment says
 * otherwise.
 *
 * Source: include/uapi/linux/bpf.h, Linux 6.18.
 */

/** `struct xdp_md`. */
export const XDP_MD_FIELD = {
  data: 0,
  data_end: 4,
  data_meta: 8,
  ingress_ifindex: 12,
  rx_queue_index: 16,
  egress_ifindex: 20,
} as const;
export const XDP_MD_SIZE = 24;

/** `struct __sk_buff`. */
export const SK_BUFF_FIELD = {
  len: 0,
  pkt_type: 4,
  mark: 8,
  queue_mapping: 12,
  protocol: 16,
  vlan_present: 20,
  vlan_tci: 24,
  vlan_proto: 28,
  priority: 32,
  ingress_ifindex: 36,
  ifindex: 40,
  tc_index: 44,
  /** 5 u32 */
  cb: 48,
  hash: 68,
  tc_classid: 72,
  data: 76,
  data_end: 80,
  napi_id: 84,
  family: 88,
  local_port: 136,
  data_meta: 140,
  /** pointer */
  flow_keys: 144,
  /** u64 */
  tstamp: 152,
  wire_len: 160,
  gso_segs: 164,
  /** pointer */
  sk: 168,
  gso_size: 176,
  /** u8, then padding */
  tstamp_type: 180,
  /** u64 */
  hwtstamp: 184,
} as const;
export const SK_BUFF_SIZE = 192;
