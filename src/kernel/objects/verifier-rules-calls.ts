/** Messages of the verifier about calls of functions, helpers and kfuncs, and about what every path has to give back. */

import { helperName } from '../../isa/index.ts';
import { type CauseRule, type FunctionNames, type Operands, rule } from './verifier-rule.ts';

/** Arguments that the types of a global function cannot express: pointers into the packet, sockets, … */
function hideHint({ index = '', name }: Operands, functions: FunctionNames): string {
  const callee = name ?? functions[Number(index)];
  const what = callee === undefined ? 'the function' : `"${callee}"`;
  const option = callee === undefined ? '--hide NAME' : `--hide ${callee}`;
  return (
    `${what} is global, so that it is verified by its types alone, which do not express this argument: ` +
    `declare it __hidden or static, or link with ${option}, and it is verified with its callers`
  );
}

/** In the order in which they are tried. */
export const FUNCTION_RULES: readonly CauseRule[] = [
  rule(
    'invalid-arguments',
    /^Caller passes invalid args into func#(?<index>\d+)(?: \('(?<name>[^']+)'\))?$/,
    hideHint,
  ),
  rule(
    'argument-context',
    /^(?:arg#|R)\d+ expect(?:s|ed)? pointer to ctx\b/,
    'this function takes the context of the program: pass ctx itself, and mark the argument with __arg_ctx or use the context type of the program',
  ),
  rule(
    'not-global',
    /^(?:\S+\(\) )?.*is not a global function$/,
    'only functions that are not static can be replaced',
  ),
  rule(
    'recursive-attach',
    /^Cannot recursively attach\b/,
    'a replacement (freplace) cannot be replaced again, nor a tracing program traced: use the program underneath',
  ),
  rule('function-info', /^missing btf func_info$/, 'compile with -g, so that functions have BTF'),
];

/** Kernels only know the names of their own helpers; rootlet also has those of later kernels. */
function missingHelper({ number = '' }: Operands): string {
  const name = helperName(Number(number));
  if (name === undefined)
    return 'a call went to something that is neither a helper nor a function of this program';
  const guard = `guard the call with bpf_core_enum_value_exists(enum bpf_func_id, ${name.replace('bpf_', 'BPF_FUNC_')})`;
  return `this kernel does not have ${name}(); ${guard}`;
}

function otherHelper({ number = '' }: Operands): string {
  const name = helperName(Number(number));
  return name === undefined
    ? 'the kernel does not offer this helper to this program type'
    : `this kernel does not offer ${name}() to this program type`;
}

/** In the order in which they are tried. */
export const CALL_RULES: readonly CauseRule[] = [
  rule('helper-missing', /^invalid func \w+#(?<number>\d+)$/, missingHelper),
  rule('helper-type', /^unknown func \w+#(?<number>\d+)$/, otherHelper),
  rule('helper-type', /^program of this type cannot use helper \w+#(?<number>\d+)$/, otherHelper),
  rule('helper-type', /cannot use helper \w+#(?<number>\d+)/, otherHelper),
  rule(
    'license',
    /^cannot call (?:GPL-restricted|kernel) function from non-GPL compatible program$/,
    'this helper is for GPL programs: declare char LICENSE[] SEC("license") = "GPL" if that is the license',
  ),
  rule(
    'kfunc-device',
    /^metadata kfuncs require device-bound program$/,
    'kfuncs of receive metadata (bpf_xdp_metadata_…) are for programs that are bound to a network device when they are loaded (BPF_F_XDP_DEV_BOUND_ONLY), which rootlet does not do: leave the call out, or make it dead code with a constant',
  ),
  rule(
    'kfunc-offload',
    /^metadata kfuncs can't be offloaded$/,
    'kfuncs of receive metadata do not work in programs that run on the device: use native mode',
  ),
  rule(
    'kfunc-type',
    /^calling kernel function (?<name>\S+) is not allowed$/,
    ({ name = '' }) => `the kernel does not offer the kfunc ${name}() to this program type`,
  ),
  rule(
    'kfunc-interpreter',
    /^(?:calling kernel functions? (?:are|is)|JIT is required for calling kernel function)\b.*/,
    'kfuncs need the JIT compiler: sysctl net.core.bpf_jit_enable=1',
  ),
  rule(
    'sleeps',
    /^(?:helper call might sleep in non-sleepable prog|program must be sleepable to call sleepable kfunc \S+|sleepable helper \S+ is not allowed in .*|.*helper call might sleep\b.*)$/,
    'only sleepable programs may call this: sections with ".s" (fentry.s, lsm.s, uprobe.s, …) where the hook allows it',
  ),
  rule('map-type', /^cannot pass map_type \d+ into func \S+$/, 'this helper is for maps of another type'),
  rule(
    'dynptr',
    /\b(?:un)?initialized dynptr\b/,
    'fill the dynptr first (bpf_dynptr_from_mem(), bpf_ringbuf_reserve_dynptr(), …), once',
  ),
];

const REGION_ENDS: Readonly<Record<string, string>> = {
  bpf_spin_lock: 'bpf_spin_unlock()',
  bpf_rcu_read_lock: 'bpf_rcu_read_unlock()',
  bpf_preempt_disable: 'bpf_preempt_enable()',
  bpf_local_irq_save: 'bpf_local_irq_restore()',
};

/** In the order in which they are tried. */
export const RELEASE_RULES: readonly CauseRule[] = [
  rule(
    'lock-call',
    /^(?:global )?(?:function )?calls are not allowed while holding a lock\b/,
    'no calls are allowed between bpf_spin_lock() and bpf_spin_unlock(): compute values before and keep them in variables',
  ),
  rule(
    'region-end',
    /^(?<what>.+) (?:cannot|can not) be used inside (?<region>\w+)-ed region$/,
    ({ region = '' }) => {
      const end = REGION_ENDS[region];
      return end === undefined ? undefined : `every path must call ${end} before the function ends`;
    },
  ),
  rule(
    'region-end',
    /^bpf_spin_unlock is missing$/,
    'every path must call bpf_spin_unlock() before the function ends',
  ),
  rule(
    'reference-leak',
    /^(?:Unreleased reference id=\d+ alloc_insn=\d+|.+ would lead to reference leak)$/,
    'every path must release what was acquired (bpf_sk_release(), bpf_ringbuf_submit() or _discard(), …)',
  ),
];
