/**
 * What the verifier refuses to programs of processes without CAP_PERFMON, and accepts from others. Separate, because it
 * is a table of the kernel's messages. Source: kernel/bpf/verifier.c (allow_ptr_leaks, allow_uninit_stack,
 * bypass_spec_v1), kernel/bpf/helpers.c (bpf_base_func_proto).
 */

/** Messages that are printed, or that can be, only for such a process. */
const STRICTER: readonly RegExp[] = [
  /pointer (?:\S+ )?pointer prohibited/,
  /pointer comparison prohibited/,
  /leaks addr/,
  /prohibited for !root/,
  /corrupt spilled pointer/,
  /unknown scalar with mixed signed bounds/,
  /tried to (?:add|sub) from different (?:maps|paths|pointers)/,
  /pointer with unsupported alu operation/,
  /invalid (?:indirect )?(?:read|access) from stack/,
];

/** Helpers that only processes with CAP_PERFMON may use in every type of program. */
const HELPERS: ReadonlySet<string> = new Set([
  'bpf_get_current_task',
  'bpf_get_current_task_btf',
  'bpf_probe_read_kernel',
  'bpf_probe_read_kernel_str',
  'bpf_probe_read_user',
  'bpf_probe_read_user_str',
  'bpf_snprintf',
  'bpf_snprintf_btf',
  'bpf_task_pt_regs',
  'bpf_trace_printk',
  'bpf_trace_vprintk',
]);

const HELPER_REFUSED = /(?:cannot use helper|unknown func) (bpf_\w+)#\d+/;

/** Whether the missing right can be the reason for a message of the verifier. */
export function needsPerfmon(message: string): boolean {
  const helper = HELPER_REFUSED.exec(message)?.[1];
  return helper === undefined ? STRICTER.some(pattern => pattern.test(message)) : HELPERS.has(helper);
}
