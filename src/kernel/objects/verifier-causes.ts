/**
 * Why the verifier refused a program: its messages, parsed, and what to do about each.
 *
 * Every rule matches a whole message and takes its operands from it; rules are tried from the most specific to
 * the most general one, each on all messages of a refusal. Separate from the log, whose shape is another matter.
 *
 * Source: Linux kernel/bpf/verifier.c, kernel/bpf/btf.c, kernel/bpf/offload.c, from 4.15 to 6.18.
 */

import { type CauseRule, type FunctionNames, rule } from './verifier-rule.ts';
import { CALL_RULES, FUNCTION_RULES, RELEASE_RULES } from './verifier-rules-calls.ts';
import { POINTER_RULES, STACK_RULES } from './verifier-rules-memory.ts';

/** What the messages of a refusal mean. */
export interface VerifierCause {
  /** Name of the rule; stable within a version. */
  readonly kind: string;
  readonly hint: string;
}

/** A call that is refused for what is wrong with the argument has the remedy of that. */
const WRONG_EVERYWHERE: ReadonlySet<string> = new Set([
  'argument-context',
  'stack-unwritten',
  'stack-bounds',
  'map-value-bounds',
  'memory-bounds',
  'null-access',
  'null-argument',
]);

/** What the messages mean: the first rule that matches one of them; undefined for messages that are not known. */
export function causeOf(
  messages: readonly string[],
  functions: FunctionNames = [],
): VerifierCause | undefined {
  const found = firstRule(RULES, messages, functions);
  if (found?.kind !== 'invalid-arguments') return found;
  const argument = firstRule(
    RULES.filter(({ kind }) => kind !== found.kind),
    messages,
    functions,
  );
  return argument !== undefined && WRONG_EVERYWHERE.has(argument.kind) ? argument : found;
}

function firstRule(
  rules: readonly CauseRule[],
  messages: readonly string[],
  functions: FunctionNames,
): VerifierCause | undefined {
  for (const { kind, pattern, hint } of rules) {
    for (const message of messages) {
      const match = pattern.exec(message);
      const text = match === null ? undefined : hint(match.groups ?? {}, functions);
      if (text !== undefined) return { kind, hint: text };
    }
  }
  return undefined;
}

/** Paths, values and instructions. */
const PATH_RULES: readonly CauseRule[] = [
  rule(
    'loop-infinite',
    /^infinite loop detected at insn \d+$/,
    'the verifier cannot see that the loop ends: give it a constant bound, or use bpf_loop()',
  ),
  rule(
    'loop-back-edge',
    /^(?:back-edge from insn \d+ to \d+|loop is not allowed\b.*)$/,
    'loops need Linux 5.3: unroll this one ("#pragma unroll") for older kernels; recursion is never allowed',
  ),
  rule(
    'too-large',
    /^BPF program is too large\. Processed \d+ insn$/,
    'too many paths or loop iterations: split the work into global functions, use bpf_loop(), or make loops shorter',
  ),
  rule(
    'too-many-branches',
    /^[Tt]he sequence of \d+ jumps is too complex\.?$/,
    'too many branches at once: simplify the conditions or split the function',
  ),
  rule(
    'no-result',
    /^R0 !read_ok$/,
    'the function ends without a return value, or uses the result of a call that returns none',
  ),
  rule(
    'no-value',
    /^R\d+ !read_ok$/,
    'a variable is used before it has a value, or after a call that destroys r1 to r5',
  ),
  rule(
    'callback-result',
    /^At callback return\b/,
    'callbacks of bpf_loop() and the like return 0 (continue) or 1 (stop)',
  ),
  rule(
    'exit-value',
    /^At program exit the register R0\b/,
    'the return value must be valid for this program type',
  ),
  rule('division', /^div by zero$/, 'the divisor is the constant 0'),
  rule(
    'shift',
    /^invalid shift (?<bits>-?\d+)$/,
    ({ bits = '' }) => `a shift by the constant ${bits} is wider than the value`,
  ),
  rule(
    'unreachable',
    /^unreachable insn \d+$/,
    'no path leads to this instruction, which is after a jump or exit: remove it, or the "exit" or "goto" before it (inline assembly: leave the end of the function to the compiler)',
  ),
  rule(
    'reserved-fields',
    /^\S+ uses reserved fields$|\buses reserved fields$/,
    'the object has instructions that this kernel does not support (-mcpu=v4 needs Linux 6.6): compile with -mcpu=v3',
  ),
  rule(
    'opcode',
    /^(?:unknown opcode|invalid BPF_\w+ opcode|invalid atomic opcode)\b/,
    'the object has instructions that this kernel does not support: compile with a lower -mcpu',
  ),
  rule(
    'symbol-address',
    /^ldimm64 failed to find the address for kernel symbol '(?<name>[^']+)'\.?$/,
    ({ name = '' }) =>
      `the kernel knows the type of "${name}" but not its address: it needs CONFIG_KALLSYMS_ALL=y`,
  ),
];

/** Most specific first: a conclusion about a call goes before what is wrong with the argument alone. */
const RULES: readonly CauseRule[] = [
  ...FUNCTION_RULES,
  ...STACK_RULES,
  ...POINTER_RULES,
  ...CALL_RULES,
  ...RELEASE_RULES,
  ...PATH_RULES,
];

/** Names of all rules. */
export const CAUSE_KINDS: ReadonlySet<string> = new Set(RULES.map(({ kind }) => kind));
