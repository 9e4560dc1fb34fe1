/**
 * Reading the verifier's log: the instruction it stopped at, the message, and the register states.
 *
 * The log is made for users and has no promised format; this reads the shapes of Linux 4.15 to 6.18 and,
 * where it recognizes nothing, still passes the last lines. Knowledge of the program (functions, source
 * lines) is added by the loader.
 */

import { elementAt } from '../../bytes/index.ts';
import { helperName } from '../../isa/index.ts';
import { callsOf } from './verifier-log-calls.ts';

export interface VerifierLog {
  /** Message of the verifier; '' when the log has none. */
  readonly cause: string;
  /** Further lines that belong to the cause. */
  readonly more: readonly string[];
  /** Instruction that was looked at last; undefined when the program was refused as a whole. */
  readonly insnIndex: number | undefined;
  /** Instructions of the calls (of static functions and callbacks) around `insnIndex`, outermost first. */
  readonly calls: readonly number[];
  /** Source line that the log shows last before the cause, as the kernel prints it: `text @ file:line`. */
  readonly sourceComment: string | undefined;
  /** Last lines with register states before the cause, oldest first. */
  readonly states: readonly string[];
  /** Instructions that the verifier looked at; 0 when it did not say. */
  readonly processedInsns: number;
  /** All of the log. */
  readonly lines: readonly string[];
  readonly hint: string | undefined;
}

type LineKind = 'insn' | 'state' | 'source' | 'noise' | 'statistics' | 'message';

const STATES_KEPT = 3;

/** Parses a log of BPF_PROG_LOAD. */
export function parseVerifierLog(text: string): VerifierLog {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  const kinds = lines.map(classify);
  const lastInsn = kinds.lastIndexOf('insn');
  const messages = messagesAfter(lines, kinds, lastInsn);
  const glued = lastInsn < 0 ? undefined : gluedMessage(elementAt(lines, lastInsn));
  const [cause = '', ...more] = glued === undefined ? messages : [glued, ...messages];
  const states = lines.filter((line, at) => at <= lastInsn && showsState(line, elementAt(kinds, at)));
  return {
    cause,
    more,
    insnIndex: lastInsn < 0 ? undefined : leadingNumber(elementAt(lines, lastInsn)),
    calls: callsOf(lines),
    sourceComment: lastSource(lines, kinds, lastInsn),
    states: states.slice(-STATES_KEPT),
    processedInsns: processedOf(lines[kinds.lastIndexOf('statistics')]),
    lines,
    hint: hintFor([cause, ...more].join('\n')),
  };
}

/** `12: (61) r0 = …` is an instruction, `12: R1=ctx()` and `from 3 to 7: …` are states, `; …` is source. */
function classify(line: string): LineKind {
  if (line.startsWith(';')) return 'source';
  if (line.startsWith('processed ')) return 'statistics';
  const colon = line.indexOf(': ');
  if (colon > 0 && isDigits(line.slice(0, colon))) return line[colon + 2] === '(' ? 'insn' : 'state';
  if (line.startsWith('from ') || line.startsWith('cur state:') || line.startsWith('old state:'))
    return 'state';
  if (NOISE.some(prefix => line.startsWith(prefix))) return 'noise';
  return 'message';
}

/** Progress that the verifier reports between instructions. */
const NOISE = [
  'func#',
  'Validating ',
  'Func#',
  'mark_precise:',
  'last_idx ',
  'regs=',
  'parent ',
  'propagating ',
  'caller:',
  'callee:',
  'returning from callee:',
  'to caller at ',
  'stack depth ',
  'verification time ',
  ' frame',
];

function messagesAfter(lines: readonly string[], kinds: readonly LineKind[], lastInsn: number): string[] {
  return lines.filter((_, at) => at > lastInsn && kinds[at] === 'message').map(line => line.trim());
}

/** Some messages are printed after the instruction, on its line. */
const GLUED = ['infinite loop detected', 'back-edge from insn', 'the sequence of '];

function gluedMessage(line: string): string | undefined {
  const at = GLUED.map(phrase => line.indexOf(phrase)).find(position => position > 0);
  return at === undefined ? undefined : line.slice(at).trim();
}

function showsState(line: string, kind: LineKind): boolean {
  return kind === 'state' || (kind === 'insn' && line.includes('; '));
}

function lastSource(
  lines: readonly string[],
  kinds: readonly LineKind[],
  lastInsn: number,
): string | undefined {
  const at = kinds.lastIndexOf('source', lastInsn < 0 ? -1 : lastInsn);
  return lastInsn < 0 || at < 0 ? undefined : elementAt(lines, at).slice(1).trim();
}

function leadingNumber(line: string): number {
  return Number(line.slice(0, line.indexOf(':')));
}

/** The number in `processed N insns …`; 0 when the log has no such line. */
function processedOf(line: string | undefined): number {
  const count = line?.split(' ')[1] ?? '';
  return isDigits(count) ? Number(count) : 0;
}

function isDigits(text: string): boolean {
  return text.length > 0 && text.length < 10 && [...text].every(digit => digit >= '0' && digit <= '9');
}

/** Phrases of the verifier, and the mistakes that cause them. */
const HINTS: readonly (readonly [phrase: string, hint: string])[] = [
  [
    'invalid access to packet',
    'compare the pointer with ctx->data_end before each access, and again after every helper that changes the packet',
  ],
  ["_or_null'", 'the pointer may be NULL here: test it first ("if (!value) return …;")'],
  [
    'infinite loop detected',
    'the verifier cannot see that the loop ends: give it a constant bound, or use bpf_loop()',
  ],
  [
    'back-edge from insn',
    'loops need Linux 5.3: unroll this one ("#pragma unroll") for older kernels; recursion is never allowed',
  ],
  [
    'BPF program is too large',
    'too many paths or loop iterations: split the work into global functions, use bpf_loop(), or make loops shorter',
  ],
  ['The sequence of ', 'too many branches at once: simplify the conditions or split the function'],
  [
    'combined stack size',
    'frames of a call chain share 512 bytes: move large variables into a map or make the functions static inline',
  ],
  ['invalid stack', 'an access outside the 512 bytes of stack, or to a part that was never written'],
  ['R0 !read_ok', 'the function ends without a return value, or uses the result of a call that returns none'],
  ['!read_ok', 'a variable is used before it has a value, or after a call that destroys r1 to r5'],
  [
    'cannot call GPL-restricted function',
    'this helper is for GPL programs: declare char LICENSE[] SEC("license") = "GPL" if that is the license',
  ],
  ['unknown func ', 'this kernel does not have the helper for this program type'],
  ['cannot use helper', 'the kernel does not offer this helper to this program type'],
  ['calling kernel function', 'the kernel does not offer this kfunc to this program type'],
  ['invalid func ', 'a call went to something that is neither a helper nor a function of this program'],
  [
    'Unreleased reference',
    'every path must release what was acquired (bpf_sk_release(), bpf_ringbuf_submit() or _discard(), …)',
  ],
  [
    'unbounded min value',
    'bound the variable on both sides before using it as an offset ("if (x > MAX) return …;")',
  ],
  [
    'unbounded memory access',
    'bound the length before using it ("if (len > MAX) return …;" or "len &= MAX")',
  ],
  ['invalid access to map value', 'the offset into the map value is not bounded by its size'],
  ['invalid bpf_context access', 'this program type has no such context field, or not with this width'],
  ['At program exit the register R0', 'the return value must be valid for this program type'],
  [
    'uses reserved fields',
    'the object has instructions that this kernel does not support (-mcpu=v4 needs Linux 6.6): compile with -mcpu=v3',
  ],
  [
    'unknown opcode',
    'the object has instructions that this kernel does not support: compile with a lower -mcpu',
  ],
  ['unreachable insn', 'unreachable code'],
  ['missing btf func_info', 'compile with -g, so that functions have BTF'],
  ['pointer arithmetic', 'arithmetic on this kind of pointer is not allowed'],
  ['loop is not allowed', 'loops need Linux 5.3'],
  [
    'arg#0 expected pointer to ctx',
    'mark the argument with __arg_ctx or use the context type of the program',
  ],
  [
    'Cannot recursively attach',
    'a replacement (freplace) cannot be replaced again, nor a tracing program traced: use the program underneath',
  ],
  [
    'write into map forbidden',
    'this map or variable is read-only to programs: constants (const volatile, .rodata) are set before loading',
  ],
  ['bpf_spin_lock-ed region', 'every path must call bpf_spin_unlock() before the function ends'],
  ['bpf_spin_unlock is missing', 'every path must call bpf_spin_unlock() before the function ends'],
  [
    "invalid mem access 'inv'",
    'this is not a valid pointer (any more): helpers that change the packet or release a record invalidate pointers into it; reload them',
  ],
  [
    'calls are not allowed while holding a lock',
    'no calls are allowed between bpf_spin_lock() and bpf_spin_unlock(): compute values before and keep them in variables',
  ],
  [
    'helper call might sleep',
    'only sleepable programs may call this: sections with ".s" (fentry.s, lsm.s, uprobe.s, …) where the hook allows it',
  ],
  ['expected=map_ptr', 'the first argument is a map: give its address ("&map")'],
  ['cannot pass map_type', 'this helper is for maps of another type'],
  [
    'invalid zero-sized read',
    'the length may be 0 or too large: test it on both sides ("if (len == 0 || len > MAX) return …;")',
  ],
  ['invalid write to stack', 'the program has 512 bytes of stack and this is outside of it'],
  ['call stack of', 'at most 8 frames, and no recursion: use a loop or bpf_loop()'],
  ['At callback return', 'callbacks of bpf_loop() and the like return 0 (continue) or 1 (stop)'],
  ['expects pointer to ctx', 'this function takes the context of the program: pass ctx itself'],
  [
    "invalid mem access 'scalar'",
    'this is not a valid pointer (any more): helpers that change the packet or release a record invalidate pointers into it; reload them',
  ],
  ['invalid access to memory', 'the access is outside of the memory that was reserved or passed'],
  [
    'initialized dynptr',
    'fill the dynptr first (bpf_dynptr_from_mem(), bpf_ringbuf_reserve_dynptr(), …), once',
  ],
  ['div by zero', 'the divisor is the constant 0'],
  ['is not a global function', 'only functions that are not static can be replaced'],
];

/** Kernels only know the names of their own helpers; rootlet also has those of later kernels. */
function helperHint(messages: string): string | undefined {
  const [, number = ''] =
    /(?:invalid func|unknown func|cannot use helper) (?:\w+)#(\d{1,4})\b/.exec(messages) ?? [];
  const name = helperName(Number(number));
  if (name === undefined) return undefined;
  const guard = `guard the call with bpf_core_enum_value_exists(enum bpf_func_id, ${name.replace('bpf_', 'BPF_FUNC_')})`;
  return messages.includes('invalid func')
    ? `this kernel does not have ${name}(); ${guard}`
    : `this kernel does not offer ${name}() to this program type`;
}

function hintFor(messages: string): string | undefined {
  return helperHint(messages) ?? HINTS.find(([phrase]) => messages.includes(phrase))?.[1];
}
