/**
 * Why the verifier refused a program, in the words of its source: log and line records put together.
 *
 * The failure travels as the `cause` of the `RootletError`, so that it survives being wrapped in further
 * places.
 */

import { elementAt, given } from '../../bytes/index.ts';
import { printable, problem, quote, RootletError } from '../../diag/index.ts';
import { BPF_PSEUDO_CALL, CodeView, OP_CALL, stackDepth } from '../../isa/index.ts';
import { EMFILE_HINT, HOST_ORDER, ownCapabilities, parseVerifierLog } from '../../kernel/index.ts';
import { CallGraph } from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';
import { EACCES, EMFILE, EPERM, errnoText, INSN_SIZE } from '../../uapi/index.ts';
import {
  type FunctionPlan,
  type LinePlan,
  type LoadPlan,
  type ProgramPlan,
  refusedCalls,
} from '../plan/index.ts';
import { needsPerfmon } from './perfmon.ts';

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
  /** Input file that this function comes from: a member of a chain, a component. */
  readonly file: string | undefined;
  /** Instruction, counted from the start of that function. */
  readonly insnIndex: number | undefined;
  /** Source line of that instruction. */
  readonly source: SourcePlace | undefined;
  /**
   * Calls from the program to that function, outermost first; of the ways to a global function the shortest.
   */
  readonly calls: readonly { readonly functionName: string; readonly source: SourcePlace | undefined }[];
  /** Where the stack is too deep: the path of functions that uses most of it, with the bytes of each frame. */
  readonly stack: readonly { readonly functionName: string; readonly bytes: number }[];
  /** What the verifier knew of the registers just before, oldest first. */
  readonly states: readonly string[];
  readonly hint: string | undefined;
  /** The whole log; empty when the kernel wrote none. */
  readonly log: readonly string[];
}

/** Last lines of the log that an error shows by itself. */
const LOG_LINES_SHOWN = 20;

/** Puts together what is known about a refused program. */
export function describeFailure(
  plan: LoadPlan,
  program: ProgramPlan,
  errno: number,
  log: string,
): VerifierFailure {
  const parsed = parseVerifierLog(
    log,
    program.functions.map(({ name }) => name),
  );
  const place = parsed.insnIndex ?? -1;
  const poison = program.poisons.find(
    ({ helper, insnIndex }) => insnIndex === place && parsed.cause.includes(`#${helper}`),
  );
  const holder = functionAt(program.functions, place);
  const call = refusedCalls(plan, program).find(({ insnIndex }) => insnIndex === place);
  return {
    program: program.name,
    errno,
    cause: poison === undefined ? parsed.cause || errnoText(errno) : poison.what,
    functionName: holder?.name,
    file: holder?.file,
    insnIndex: holder === undefined ? undefined : place - holder.insnIndex,
    source: sourceAt(program, place),
    calls: callPath(program, parsed.calls[0] ?? place)
      .concat(parsed.calls)
      .map(at => ({
        functionName: functionAt(program.functions, at)?.name ?? '',
        source: sourceAt(program, at),
      })),
    states: parsed.states,
    stack: parsed.known !== undefined && STACK_KINDS.has(parsed.known.kind) ? deepestFrames(program) : [],
    hint:
      poison === undefined
        ? (call?.refusal.hint ??
          hintAgainstRights(parsed.cause) ??
          parsed.known?.hint ??
          hintWithoutLog(program, errno, log))
        : POISON_HINT,
    log: parsed.lines,
  };
}

/** Causes that are about a path of calls and not about an instruction. */
const STACK_KINDS: ReadonlySet<string> = new Set(['stack-combined', 'stack-above-tail-call', 'call-depth']);

/** The path of calls with the most stack, as `CallGraph` counts it. Ends where a cycle starts again. */
function deepestFrames(program: ProgramPlan): VerifierFailure['stack'] {
  const codeOf = (at: number) => {
    const { insnIndex, insnCount } = elementAt(program.functions, at);
    return program.code.subarray(insnIndex * INSN_SIZE, (insnIndex + insnCount) * INSN_SIZE);
  };
  const graph = new CallGraph({
    callees: at => calleesOf(program, at),
    stackDepth: at => stackDepth(new CodeView(codeOf(at).slice(), HOST_ORDER)),
  });
  return graph.mostStack(0).path.map(at => ({
    functionName: elementAt(program.functions, at).name,
    bytes: graph.frameBytes(at),
  }));
}

function calleesOf(program: ProgramPlan, at: number): number[] {
  const { insnIndex, insnCount } = elementAt(program.functions, at);
  const callees = new Set<number>();
  for (let insn = insnIndex; insn < insnIndex + insnCount; insn++) {
    const start = calleeAt(program.code, insn);
    const callee = program.functions.findIndex(plan => plan.insnIndex === start);
    if (callee >= 0) callees.add(callee);
  }
  return [...callees];
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

/** Undefined where the process has the right, or another reason is possible only. */
function hintAgainstRights(cause: string): string | undefined {
  return needsPerfmon(cause) && !ownCapabilities().perfmon ? PERFMON_HINT : undefined;
}

const PERFMON_HINT =
  'the verifier refuses this without CAP_PERFMON, which this process does not have: run as root, or give it CAP_PERFMON as well';

const POISON_HINT =
  'first test whether it exists (its address, bpf_core_field_exists(), …), so that the use is dead code where it is not';

/**
 * The error for a refused program: code `kernel-verifier-refused`, or `kernel-program-refused` without a log.
 */
export function verifierError(
  plan: LoadPlan,
  program: ProgramPlan,
  errno: number,
  log: string,
): RootletError {
  const failure = describeFailure(plan, program, errno, log);
  const code = failure.log.length > 0 ? 'kernel-verifier-refused' : 'kernel-program-refused';
  const refused = problem(code, whereOf(plan.source, failure), failure.cause, {
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
    const isOwn = failure.file === undefined || failure.file === objectName;
    where.push(`function ${quote(failure.functionName)}${isOwn ? '' : ` of ${printable(failure.file)}`}`);
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
  const frames = failure.stack.map(frame => `${printable(frame.functionName)} (${frame.bytes})`);
  const stack = frames.length === 0 ? [] : [`stack in bytes: ${frames.join(' -> ')}`];
  return [...source, ...calls.reverse(), ...stack, ...head, ...tail.map(line => `  ${line}`)];
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
