/**
 * Sizes of the records that objects and bpf(2) share, in bytes.
 *
 * Source: include/uapi/linux/bpf.h, Linux 6.18.
 */

/** `struct bpf_insn`. */
export const INSN_SIZE = 8;

/** `struct bpf_func_info`. */
export const FUNC_INFO_SIZE = 8;

/** `struct bpf_line_info`. */
export const LINE_INFO_SIZE = 16;

/** `struct bpf_core_relo`. */
export const CORE_RELO_SIZE = 16;

/** A kernel object's name, with its NUL. */
export const BPF_OBJ_NAME_LEN = 16;
