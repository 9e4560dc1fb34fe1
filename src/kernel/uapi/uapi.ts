/**
 * Commands of bpf(2) and their attribute layouts, one record for each.
 *
 * `union bpf_attr` is shown as one record per use; fields that share an offset have the name of the use that
 * this project makes of them. Pointers are u64 whatever the machine's pointer size is. All of a record may be
 * given to an older kernel: it accepts bytes that it does not know as long as they are zero. A test compares
 * all offsets with those of the C compiler.
 *
 * Source: include/uapi/linux/bpf.h, Linux 6.18.
 */

import { chars, i32, record, u32, u64 } from '../../bytes/index.ts';
import { BPF_OBJ_NAME_LEN } from '../../uapi/index.ts';

export * from './attr.ts';
export * from './uapi-info.ts';

export const MapCreateAttr = record('map_create', {
  map_type: u32,
  key_size: u32,
  value_size: u32,
  max_entries: u32,
  map_flags: u32,
  inner_map_fd: u32,
  numa_node: u32,
  map_name: chars(BPF_OBJ_NAME_LEN),
  map_ifindex: u32,
  btf_fd: u32,
  btf_key_type_id: u32,
  btf_value_type_id: u32,
  btf_vmlinux_value_type_id: u32,
  map_extra: u64,
  value_type_btf_obj_fd: i32,
  map_token_fd: i32,
});

/** Commands on one element; `value` is `next_key` for BPF_MAP_GET_NEXT_KEY. */
export const MapElemAttr = record('map_elem', { map_fd: u32, key: u64, value: u64, flags: u64 });

export const MapBatchAttr = record('map_batch', {
  in_batch: u64,
  out_batch: u64,
  keys: u64,
  values: u64,
  count: u32,
  map_fd: u32,
  elem_flags: u64,
  flags: u64,
});

export const MapFreezeAttr = record('map_freeze', { map_fd: u32 });

export const ProgLoadAttr = record('prog_load', {
  prog_type: u32,
  insn_cnt: u32,
  insns: u64,
  license: u64,
  log_level: u32,
  log_size: u32,
  log_buf: u64,
  kern_version: u32,
  prog_flags: u32,
  prog_name: chars(BPF_OBJ_NAME_LEN),
  prog_ifindex: u32,
  expected_attach_type: u32,
  prog_btf_fd: u32,
  func_info_rec_size: u32,
  func_info: u64,
  func_info_cnt: u32,
  line_info_rec_size: u32,
  line_info: u64,
  line_info_cnt: u32,
  attach_btf_id: u32,
  /** Also attach_btf_obj_fd. */
  attach_prog_fd: u32,
  core_relo_cnt: u32,
  fd_array: u64,
  core_relos: u64,
  core_relo_rec_size: u32,
  log_true_size: u32,
  prog_token_fd: i32,
  fd_array_cnt: u32,
});

export const BtfLoadAttr = record('btf_load', {
  btf: u64,
  btf_log_buf: u64,
  btf_size: u32,
  btf_log_size: u32,
  btf_log_level: u32,
  btf_log_true_size: u32,
  btf_flags: u32,
  btf_token_fd: i32,
});

export const ObjPinAttr = record('obj_pin', { pathname: u64, bpf_fd: u32, file_flags: u32, path_fd: i32 });

/** Also for BPF_PROG_DETACH, with `attach_bpf_fd` 0 for any program. */
export const ProgAttachAttr = record('prog_attach', {
  target_fd: u32,
  attach_bpf_fd: u32,
  attach_type: u32,
  attach_flags: u32,
  replace_bpf_fd: u32,
  relative_fd: u32,
  expected_revision: u64,
});

export const TestRunAttr = record('test_run', {
  prog_fd: u32,
  retval: u32,
  data_size_in: u32,
  data_size_out: u32,
  data_in: u64,
  data_out: u64,
  repeat: u32,
  duration: u32,
  ctx_size_in: u32,
  ctx_size_out: u32,
  ctx_in: u64,
  ctx_out: u64,
  flags: u32,
  cpu: u32,
  batch_size: u32,
});

/**
 * Context of an XDP test run: `data` is the length of the metadata before the packet, `data_end` that of
 * both.
 */
export const XdpMd = record('xdp_md', {
  data: u32,
  data_end: u32,
  data_meta: u32,
  ingress_ifindex: u32,
  rx_queue_index: u32,
  egress_ifindex: u32,
});

/** BPF_*_GET_NEXT_ID (`start_id` → `next_id`) and BPF_*_GET_FD_BY_ID (`start_id` is the id). */
export const IdAttr = record('get_id', { start_id: u32, next_id: u32, open_flags: u32, token_fd: i32 });

/** BPF_ENABLE_STATS. */
export const StatsAttr = record('enable_stats', { type: u32 });

export const InfoAttr = record('info_by_fd', { bpf_fd: u32, info_len: u32, info: u64 });

export const QueryAttr = record('prog_query', {
  target_fd: u32,
  attach_type: u32,
  query_flags: u32,
  attach_flags: u32,
  prog_ids: u64,
  count: u32,
  prog_attach_flags: u64,
  link_ids: u64,
  link_attach_flags: u64,
  revision: u64,
});

export const RawTracepointAttr = record('raw_tracepoint', { name: u64, prog_fd: u32, cookie: u64 });

/** The part of BPF_LINK_CREATE that all kinds share; what follows at 16 depends on the kind (see below). */
export const LinkCreateAttr = record('link_create', {
  prog_fd: u32,
  target_fd: u32,
  attach_type: u32,
  flags: u32,
  /** Target BTF id (freplace), relative fd or id (tcx, netkit, cgroup), protocol family (netfilter). */
  word: u32,
  /** Hook number (netfilter), length of iter_info at 24 is `count`. */
  word2: u32,
  /** Expected revision (tcx, netkit, cgroup), cookie (tracing). */
  wide: u64,
});

/** BPF_LINK_CREATE for perf_event-based links: a cookie at 16. */
export const LinkCreatePerfAttr = record('link_create_perf', {
  prog_fd: u32,
  target_fd: u32,
  attach_type: u32,
  flags: u32,
  bpf_cookie: u64,
});

/** BPF_LINK_CREATE for netfilter. */
export const LinkCreateNetfilterAttr = record('link_create_netfilter', {
  prog_fd: u32,
  target_fd: u32,
  attach_type: u32,
  flags: u32,
  pf: u32,
  hooknum: u32,
  priority: i32,
  netfilter_flags: u32,
});

/** BPF_LINK_CREATE for iterators. */
export const LinkCreateIterAttr = record('link_create_iter', {
  prog_fd: u32,
  target_fd: u32,
  attach_type: u32,
  flags: u32,
  iter_info: u64,
  iter_info_len: u32,
});

/** BPF_LINK_CREATE for many kernel functions at once. */
export const LinkCreateKprobeMultiAttr = record('link_create_kprobe_multi', {
  prog_fd: u32,
  target_fd: u32,
  attach_type: u32,
  flags: u32,
  multi_flags: u32,
  cnt: u32,
  syms: u64,
  addrs: u64,
  cookies: u64,
});

/** BPF_LINK_CREATE for many places of one executable (since Linux 6.6). */
export const LinkCreateUprobeMultiAttr = record('link_create_uprobe_multi', {
  prog_fd: u32,
  target_fd: u32,
  attach_type: u32,
  flags: u32,
  path: u64,
  offsets: u64,
  ref_ctr_offsets: u64,
  cookies: u64,
  cnt: u32,
  multi_flags: u32,
  pid: u32,
});

/** `new_fd` and `old_fd` are programs, or maps for struct_ops. */
export const LinkUpdateAttr = record('link_update', { link_fd: u32, new_fd: u32, flags: u32, old_fd: u32 });

export const LinkDetachAttr = record('link_detach', { link_fd: u32 });
export const EnableStatsAttr = record('enable_stats', { type: u32 });
export const IterCreateAttr = record('iter_create', { link_fd: u32, flags: u32 });
export const ProgBindMapAttr = record('prog_bind_map', { prog_fd: u32, map_fd: u32, flags: u32 });
