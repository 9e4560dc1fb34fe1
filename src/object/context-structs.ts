/** Structs that the kernel takes as contexts of programs, by name. Apart because loading and binding both ask. */
export const CONTEXT_STRUCTS: ReadonlySet<string> = new Set([
  'xdp_md',
  '__sk_buff',
  'bpf_sock',
  'bpf_sock_addr',
  'bpf_sockopt',
  'bpf_sysctl',
  'bpf_cgroup_dev_ctx',
  'bpf_sock_ops',
  'sk_msg_md',
  'sk_reuseport_md',
  'bpf_sk_lookup',
  'bpf_perf_event_data',
  'bpf_nf_ctx',
  'bpf_raw_tracepoint_args',
  // behind bpf_user_pt_regs_t: x86-64, then arm64 and riscv64
  'pt_regs',
  'user_pt_regs',
  'user_regs_struct',
]);
