/**
 * Structs that the kernel accepts as contexts of programs, by name, and for which types of programs. Separate
 * because loading, linking and binding all use it.
 *
 * Source: Linux include/linux/bpf_types.h, and btf_is_prog_ctx_type() of kernel/bpf/btf.c.
 */

import * as uapi from '../../uapi/index.ts';

/**
 * Name of the context in C of each program type; null for those that have no name for it (tracepoints,
 * tracing, …).
 */
const BY_TYPE: Readonly<Record<uapi.ProgType, string | null>> = {
  [uapi.BPF_PROG_TYPE_SOCKET_FILTER]: '__sk_buff',
  [uapi.BPF_PROG_TYPE_KPROBE]: 'bpf_user_pt_regs_t',
  [uapi.BPF_PROG_TYPE_SCHED_CLS]: '__sk_buff',
  [uapi.BPF_PROG_TYPE_SCHED_ACT]: '__sk_buff',
  [uapi.BPF_PROG_TYPE_TRACEPOINT]: null,
  [uapi.BPF_PROG_TYPE_XDP]: 'xdp_md',
  [uapi.BPF_PROG_TYPE_PERF_EVENT]: 'bpf_perf_event_data',
  [uapi.BPF_PROG_TYPE_CGROUP_SKB]: '__sk_buff',
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK]: 'bpf_sock',
  [uapi.BPF_PROG_TYPE_LWT_IN]: '__sk_buff',
  [uapi.BPF_PROG_TYPE_LWT_OUT]: '__sk_buff',
  [uapi.BPF_PROG_TYPE_LWT_XMIT]: '__sk_buff',
  [uapi.BPF_PROG_TYPE_SOCK_OPS]: 'bpf_sock_ops',
  [uapi.BPF_PROG_TYPE_SK_SKB]: '__sk_buff',
  [uapi.BPF_PROG_TYPE_CGROUP_DEVICE]: 'bpf_cgroup_dev_ctx',
  [uapi.BPF_PROG_TYPE_SK_MSG]: 'sk_msg_md',
  [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT]: 'bpf_raw_tracepoint_args',
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR]: 'bpf_sock_addr',
  [uapi.BPF_PROG_TYPE_LWT_SEG6LOCAL]: '__sk_buff',
  [uapi.BPF_PROG_TYPE_LIRC_MODE2]: null,
  [uapi.BPF_PROG_TYPE_SK_REUSEPORT]: 'sk_reuseport_md',
  [uapi.BPF_PROG_TYPE_FLOW_DISSECTOR]: '__sk_buff',
  [uapi.BPF_PROG_TYPE_CGROUP_SYSCTL]: 'bpf_sysctl',
  [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE]: 'bpf_raw_tracepoint_args',
  [uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT]: 'bpf_sockopt',
  [uapi.BPF_PROG_TYPE_TRACING]: null,
  [uapi.BPF_PROG_TYPE_STRUCT_OPS]: null,
  [uapi.BPF_PROG_TYPE_EXT]: null,
  [uapi.BPF_PROG_TYPE_LSM]: null,
  [uapi.BPF_PROG_TYPE_SK_LOOKUP]: 'bpf_sk_lookup',
  [uapi.BPF_PROG_TYPE_SYSCALL]: null,
  [uapi.BPF_PROG_TYPE_NETFILTER]: 'bpf_nf_ctx',
};

/** A typedef, whatever its target: the registers of a probed function. */
export const REGISTERS_TYPEDEF = 'bpf_user_pt_regs_t';

/** Structs after `bpf_user_pt_regs_t`: x86-64, then arm64 and riscv64. */
export const REGISTER_STRUCTS: ReadonlySet<string> = new Set(['pt_regs', 'user_pt_regs', 'user_regs_struct']);

/** Names of structs that are the context of some type of program. */
export const CONTEXT_STRUCTS: ReadonlySet<string> = new Set([
  ...Object.values(BY_TYPE).flatMap(name => (name === null || name === REGISTERS_TYPEDEF ? [] : [name])),
  ...REGISTER_STRUCTS,
]);

/** Name of the context of a program type as the kernel knows it; undefined for types that have none. */
export function contextNameOf(progType: number): string | undefined {
  return uapi.rowOfProgType(BY_TYPE, progType) ?? undefined;
}

/** Whether a struct is the context of programs of a type; without a type, of any program. */
export function isContextStruct(name: string, progType: number | undefined): boolean {
  if (progType === undefined) return CONTEXT_STRUCTS.has(name);
  const expected = contextNameOf(progType);
  return expected === REGISTERS_TYPEDEF ? REGISTER_STRUCTS.has(name) : expected === name;
}

/**
 * Whether a struct is the context of other programs only. Never so for registers, which several types may be
 * written with, nor where the type itself has no name for its context.
 */
export function isForeignContext(name: string, progType: number | undefined): boolean {
  if (progType === undefined || contextNameOf(progType) === undefined || REGISTER_STRUCTS.has(name))
    return false;
  return CONTEXT_STRUCTS.has(name) && !isContextStruct(name, progType);
}
