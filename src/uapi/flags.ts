/**
 * Flags of the commands of bpf(2). Flags of different commands share values; each block here is one set of
 * bits. The flags of helpers are in helper-flags.ts.
 *
 * Source: include/uapi/linux/bpf.h, Linux 6.18.
 */

/** Flags of BPF_MAP_CREATE. `BPF_F_LINK` is also one of BPF_PROG_ATTACH and BPF_LINK_CREATE. */
export const BPF_F_NO_PREALLOC = 1;
export const BPF_F_NO_COMMON_LRU = 2;
export const BPF_F_NUMA_NODE = 4;
export const BPF_F_RDONLY = 8;
export const BPF_F_WRONLY = 16;
export const BPF_F_STACK_BUILD_ID = 32;
export const BPF_F_ZERO_SEED = 64;
export const BPF_F_RDONLY_PROG = 128;
export const BPF_F_WRONLY_PROG = 256;
export const BPF_F_CLONE = 512;
export const BPF_F_MMAPABLE = 1024;
export const BPF_F_PRESERVE_ELEMS = 2048;
export const BPF_F_INNER_MAP = 4096;
export const BPF_F_LINK = 8192;
export const BPF_F_VTYPE_BTF_OBJ_FD = 32768;
export const BPF_F_SEGV_ON_FAULT = 131072;
export const BPF_F_NO_USER_CONV = 262144;

/** Flags of BPF_MAP_UPDATE_ELEM. */
export const BPF_ANY = 0;
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;
export const BPF_F_LOCK = 4;

/** Flags of BPF_PROG_LOAD. */
export const BPF_F_STRICT_ALIGNMENT = 1;
export const BPF_F_ANY_ALIGNMENT = 2;
export const BPF_F_TEST_RND_HI32 = 4;
export const BPF_F_TEST_STATE_FREQ = 8;
export const BPF_F_SLEEPABLE = 16;
export const BPF_F_XDP_HAS_FRAGS = 32;
export const BPF_F_XDP_DEV_BOUND_ONLY = 64;

/** Flags of BPF_LINK_UPDATE: only if the expected program is attached. */
export const BPF_F_REPLACE = 4;

/** Flags of BPF_PROG_ATTACH and BPF_LINK_CREATE that order the programs of one hook. */
export const BPF_F_BEFORE = 8;
export const BPF_F_AFTER = 16;
/** The program or link before or after which it is to run is given by its id. */
export const BPF_F_ID = 32;

/** Flags of BPF_LINK_CREATE for many kernel functions or places of executables. */
export const BPF_F_KPROBE_MULTI_RETURN = 1;
