/**
 * What BPF_OBJ_GET_INFO_BY_FD fills in: `struct bpf_…_info`, one record for each kind of object.
 *
 * A record may be longer than an older kernel's: what it does not fill in stays zero.
 *
 * Source: include/uapi/linux/bpf.h, Linux 6.18.
 */

import { chars, type Field, record, u32, u64 } from '../../bytes/index.ts';
import { BPF_OBJ_NAME_LEN } from '../../uapi/index.ts';

/** `__u8[length]` as a string of hexadecimal digits. */
function hex(length: number): Field<string> {
  return {
    size: length,
    align: 1,
    get: (view, offset) =>
      Array.from({ length }, (_, i) =>
        view
          .getUint8(offset + i)
          .toString(16)
          .padStart(2, '0'),
      ).join(''),
    set(view, offset, value) {
      for (let i = 0; i < length; i++) {
        view.setUint8(offset + i, Number.parseInt(value.slice(2 * i, 2 * i + 2), 16) || 0);
      }
    },
  };
}

export const ProgInfo = record('bpf_prog_info', {
  type: u32,
  id: u32,
  tag: hex(8),
  jited_prog_len: u32,
  xlated_prog_len: u32,
  jited_prog_insns: u64,
  xlated_prog_insns: u64,
  load_time: u64,
  created_by_uid: u32,
  nr_map_ids: u32,
  map_ids: u64,
  name: chars(BPF_OBJ_NAME_LEN),
  ifindex: u32,
  /** Bit 0; a bit field in C. */
  gpl_compatible: u32,
  netns_dev: u64,
  netns_ino: u64,
  nr_jited_ksyms: u32,
  nr_jited_func_lens: u32,
  jited_ksyms: u64,
  jited_func_lens: u64,
  btf_id: u32,
  func_info_rec_size: u32,
  func_info: u64,
  nr_func_info: u32,
  nr_line_info: u32,
  line_info: u64,
  jited_line_info: u64,
  nr_jited_line_info: u32,
  line_info_rec_size: u32,
  jited_line_info_rec_size: u32,
  nr_prog_tags: u32,
  prog_tags: u64,
  run_time_ns: u64,
  run_cnt: u64,
  recursion_misses: u64,
  verified_insns: u32,
  attach_btf_obj_id: u32,
  attach_btf_id: u32,
});

export const MapInfo = record('bpf_map_info', {
  type: u32,
  id: u32,
  key_size: u32,
  value_size: u32,
  max_entries: u32,
  map_flags: u32,
  name: chars(BPF_OBJ_NAME_LEN),
  ifindex: u32,
  btf_vmlinux_value_type_id: u32,
  netns_dev: u64,
  netns_ino: u64,
  btf_id: u32,
  btf_key_type_id: u32,
  btf_value_type_id: u32,
  btf_vmlinux_id: u32,
  map_extra: u64,
});

export const BtfInfo = record('bpf_btf_info', {
  btf: u64,
  btf_size: u32,
  id: u32,
  name: u64,
  name_len: u32,
  kernel_btf: u32,
});

/**
 * The common head, and the words after it: ifindex and attach type (XDP, tcx), attach type and target
 * (tracing).
 */
export const LinkInfo = record('bpf_link_info', {
  type: u32,
  id: u32,
  prog_id: u32,
  _: u32,
  word0: u32,
  word1: u32,
  word2: u32,
  word3: u32,
});
