/**
 * Why the verifier refused a program, in the words of its source: log and line records put together.
 *
 * The failure travels as the `cause` of the `RootletError`, so that it survives being wrapped in further
 * places.
 */

import { given } from '../../bytes/index.ts';
import { printable, problem, quote, RootletError } from '../../diag/index.ts';
import { BPF_PSEUDO_CALL, OP_CALL } from '../../isa/index.ts';
import { EMFILE_HINT, HOST_ORDER, parseVerifierLog } from '../../kernel/index.ts';
import * as uapi from '../../uapi/index.ts';
import { EACCES, EMFILE, EPERM, errnoText } from '../../uapi/index.ts';
import type { FunctionPlan, LinePlan, ProgramPlan } from '../plan/index.ts';

/** A place in the source; `line` is 0 where the compiler wrote none. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** Why the verifier refused a program, in terms of its source. */
export interface VerifierFailure {
  readonly program: string;
  readonly errno: number;
  /** One sentence: the verifier's own, or what errno means when the log is empty. */
  readonly cause: string;
  /** Function of the program that was being looked at. */
  readonly functionName: string | undefined;
  /** Instruction, counted from the start of that function. */
  readonly insnIndex: number | undefined;
  /** Source line of that instruction. */
  readonly source: SourcePlace | undefined;
  /**
   * Calls from the program to that function, outermost first; of the ways to a global function the shortest.
   */
  readonly calls: readonly { readonly functionName: string; readonly source: SourcePlace | undefined }[];
  /** What the verifier knew of the registers just before, oldest first. */
  readonly states: readonly string[];
  readonly hint: string | undefined;
  /** The whole log; empty when the kernel wrote none. */
  readonly log: readonly string[];
}

/** Last lines of the log that an error shows by itself. */
const LOG_LINES_SHOWN = 20;

/** Puts together what is known about a refused program. */
export function describeFailure(program: ProgramPlan, errno: number, log: string): VerifierFailure {
  const parsed = parseVerifierLog(log);
  const place = parsed.insnIndex ?? -1;
  const poison = program.poisons.find(
    ({ helper, insnIndex }) => insnIndex === place && parsed.cause.includes(`#${helper}`),
  );
  const holder = functionAt(program.functions, place);
  return {
    program: program.name,
    errno,
    cause:
      poison === undefined ? parsed.cause || errnoText(errno) : `calls ${poison.what}, which is not there`,
    functionName: holder?.name,
    insnIndex: holder === undefined ? undefined : place - holder.insnIndex,
    source: sourceAt(program, place),
    calls: callPath(program, parsed.calls[0] ?? place)
      .concat(parsed.calls)
      .map(at => ({
        functionName: functionAt(program.functions, at)?.name ?? '',
        source: sourceAt(program, at),
      })),
    states: parsed.states,
    hint: poison === undefined ? (parsed.hint ?? hintWithoutLog(program, errno, log)) : POISON_HINT,
    log: parsed.lines,
  };
}

function sourceAt(program: ProgramPlan, insnIndex: number): SourcePlace | undefined {
  const line = lineAt(program.lines, insnIndex);
  return line === undefined ? undefined : { file: line.file, line: line.line, text: line.text.trim() };
}

/**
 * Global functions are verified by themselves: the shortest way of calls from the program to the one around
 * `place`.
 */
function callPath(program: ProgramPlan, place: number): number[] {
  const ways = new Map<number, readonly number[]>([[0, []]]); // by the first instruction of the function
  for (const [start, way] of ways) {
    const holder = program.functions.find(plan => plan.insnIndex === start);
    const end = start + (holder?.insnCount ?? 0);
    for (let at = start; at < end; at++) {
      const callee = calleeAt(program.code, at);
      if (callee !== undefined && !ways.has(callee)) ways.set(callee, [...way, at]);
    }
  }
  return [...(ways.get(functionAt(program.functions, place)?.insnIndex ?? 0) ?? [])];
}

/** Plans for the kernel are in the machine's byte order. */
function calleeAt(code: Uint8Array, insnIndex: number): number | undefined {
  const view = new DataView(code.buffer, code.byteOffset + insnIndex * 8, 8);
  const little = HOST_ORDER === 'little';
  const registers = view.getUint8(1);
  const source = little ? registers >> 4 : registers & 15;
  const isCall = view.getUint8(0) === OP_CALL && source === BPF_PSEUDO_CALL;
  return isCall ? insnIndex + 1 + view.getInt32(4, little) : undefined;
}

const POISON_HINT =
  'first test whether it exists (its address, bpf_core_field_exists(), …), so that the use is dead code where it is not';

/**
 * The error for a refused program: code `kernel-verifier-refused`, or `kernel-program-refused` without a log.
 */
export function verifierError(
  objectName: string,
  program: ProgramPlan,
  errno: number,
  log: string,
): RootletError {
  const failure = describeFailure(program, errno, log);
  const code = failure.log.length > 0 ? 'kernel-verifier-refused' : 'kernel-program-refused';
  const refused = problem(code, whereOf(objectName, failure), failure.cause, {
    errno,
    details: detailsOf(failure),
    ...given({ hint: failure.hint }),
  });
  return new RootletError([refused], { cause: failure });
}

/** The failure after an error, wherever it was wrapped; undefined when the verifier had no part in it. */
export function verifierFailureOf(error: unknown): VerifierFailure | undefined {
  const cause = error instanceof RootletError ? error.cause : undefined;
  return isFailure(cause) ? cause : undefined;
}

function isFailure(value: unknown): value is VerifierFailure {
  return (
    typeof value === 'object' && value !== null && 'program' in value && 'states' in value && 'log' in value
  );
}

function whereOf(objectName: string, failure: VerifierFailure): string[] {
  const where = [objectName, `program ${quote(failure.program)}`];
  if (failure.functionName !== undefined && failure.functionName !== failure.program) {
    where.push(`function ${quote(failure.functionName)}`);
  }
  if (failure.source !== undefined && failure.source.line > 0) {
    where.push(`${withoutDot(failure.source.file)}:${failure.source.line}`);
  }
  if (failure.insnIndex !== undefined) where.push(`insn ${failure.insnIndex}`);
  return where;
}

/** Compilers write `./x.c` for a file of the directory that they ran in. */
function withoutDot(file: string): string {
  return file.startsWith('./') ? file.slice(2) : file;
}

function detailsOf(failure: VerifierFailure): string[] {
  const source = failure.source?.text ? [`source: ${printable(failure.source.text)}`] : [];
  const calls = failure.calls.map(call => `called by ${quote(call.functionName)}${placeOf(call.source)}`);
  const tail = failure.log.slice(-LOG_LINES_SHOWN);
  const omitted = failure.log.length - tail.length;
  const head =
    tail.length === 0
      ? []
      : [`verifier log${omitted > 0 ? ` (last ${tail.length} of ${failure.log.length} lines)` : ''}:`];
  return [...source, ...calls.reverse(), ...head, ...tail.map(line => `  ${line}`)];
}

function placeOf(source: SourcePlace | undefined): string {
  if (source === undefined || source.line === 0) return '';
  return ` at ${printable(withoutDot(source.file))}:${source.line}: ${printable(source.text)}`;
}

function functionAt(functions: readonly FunctionPlan[], insnIndex: number): FunctionPlan | undefined {
  return functions.findLast(plan => plan.insnIndex <= insnIndex);
}

function lineAt(lines: readonly LinePlan[], insnIndex: number): LinePlan | undefined {
  return lines.findLast(line => line.insnIndex <= insnIndex);
}

const NEEDS_PERFMON = new Set([
  uapi.BPF_PROG_TYPE_KPROBE,
  uapi.BPF_PROG_TYPE_TRACEPOINT,
  uapi.BPF_PROG_TYPE_PERF_EVENT,
  uapi.BPF_PROG_TYPE_RAW_TRACEPOINT,
  uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
  uapi.BPF_PROG_TYPE_TRACING,
  uapi.BPF_PROG_TYPE_LSM,
  uapi.BPF_PROG_TYPE_EXT,
]);

/** A refusal without a log happens before the verifier starts. */
function hintWithoutLog(program: ProgramPlan, errno: number, log: string): string | undefined {
  if (errno === EMFILE) return EMFILE_HINT;
  if (log !== '') return undefined;
  const type = uapi.progTypeName(program.type.progType);
  if (errno === EPERM || errno === EACCES) {
    const rights = NEEDS_PERFMON.has(program.type.progType)
      ? 'CAP_BPF and CAP_PERFMON'
      : 'CAP_BPF and CAP_NET_ADMIN';
    return `programs of type ${type} need ${rights}; some kernels refuse this type altogether, and before Linux 5.11 "ulimit -l" counts`;
  }
  return undefined;
}
