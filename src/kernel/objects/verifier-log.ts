/**
 * Reading the verifier's log: the instruction it stopped at, the message, and the register states.
 *
 * The log is made for users and has no promised format; this reads the shapes of Linux 4.15 to 6.18 and,
 * where it recognizes nothing, still passes the last lines. Knowledge of the program (functions, source
 * lines) is added by the loader.
 */

import { elementAt } from '../../bytes/index.ts';
import { causeOf, type VerifierCause } from './verifier-causes.ts';
import { callsOf } from './verifier-log-calls.ts';
import type { FunctionNames } from './verifier-rule.ts';

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
  /** What the messages mean; undefined for those that are not known. */
  readonly known: VerifierCause | undefined;
}

type LineKind = 'insn' | 'state' | 'source' | 'noise' | 'statistics' | 'message';

const STATES_KEPT = 3;

/** Parses a log of BPF_PROG_LOAD. `functions` are those of the program, in the order of their instructions. */
export function parseVerifierLog(text: string, functions: FunctionNames = []): VerifierLog {
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
    known: causeOf([cause, ...more], functions),
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
