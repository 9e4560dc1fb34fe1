/**
 * Errors as data.
 *
 * A `Problem` describes one mistake completely: a stable code for programs, the place as frames from the
 * outside in (file, section, symbol, instruction), the message, and for known mistakes a hint. Nothing below
 * the command prints; everything returns or throws problems.
 */

import { type CodeOf, classOf, type ProblemCode } from './codes.ts';
import { oneLine, printableName } from './printable.ts';
import type { ProblemClass } from './problem-class.ts';

/** One mistake, complete: what is wrong, where, and what to do about it. */
export interface Problem {
  /** Stable, kebab-case; part of the public interface. The part before the first dash names the layer. */
  readonly code: ProblemCode;
  /** That of the code in the table of codes. */
  readonly class: ProblemClass;
  /** Places from the outside in, e.g. `['second.o', 'section "xdp"', 'insn 12']`. */
  readonly where: readonly string[];
  /**
   * The name that the problem is about: a symbol, slot, input, program, … Programs compare it; texts may
   * change.
   */
  readonly subject?: string;
  /** One sentence without the place, lower case, no full stop. */
  readonly message: string;
  /** Byte offset in the file or section named by `where`, when one is known. */
  readonly offset?: number;
  /** errno of the system call that failed, when one did. */
  readonly errno?: number;
  /** What to do, when the mistake is a known one. */
  readonly hint?: string;
  /** Further lines, shown indented under the message (both prototypes of a clash, candidates, …). */
  readonly details?: readonly string[];
}

/** One or more problems thrown as an error. `message` is the formatted text of all of them. */
export class RootletError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    super(problems.map(formatProblem).join('\n'), options);
    this.name = 'RootletError';
    this.problems = problems;
  }

  /** Code of the first problem. */
  get code(): ProblemCode {
    return this.problems[0]?.code ?? 'bug-empty-error';
  }
}

/** What a problem may have besides code, place and message. */
export type ProblemExtras = Omit<Partial<Problem>, 'code' | 'where' | 'message' | 'class'>;

/** The problem of that code. The class comes from the table of codes. */
export function problem(
  code: ProblemCode,
  where: readonly string[],
  message: string,
  extras: ProblemExtras = {},
): Problem {
  return { code, class: classOf(code), where, message, ...extras };
}

/** The same mistake under another code, and with it of that code's class. */
export function recoded(
  { code: _code, class: _class, where, message, ...extras }: Problem,
  code: ProblemCode,
  changes: ProblemExtras & Partial<Pick<Problem, 'where'>> = {},
): Problem {
  return { code, class: classOf(code), where, message, ...extras, ...changes };
}

/** An error for input that breaks a rule. */
export function inputError(
  code: CodeOf<'input'>,
  where: readonly string[],
  message: string,
  extras: ProblemExtras = {},
): RootletError {
  return new RootletError([problem(code, where, message, extras)]);
}

/** An error of the kernel or the operating system. */
export function platformError(
  code: CodeOf<'platform'>,
  where: readonly string[],
  message: string,
  extras: ProblemExtras = {},
): RootletError {
  return new RootletError([problem(code, where, message, extras)]);
}

/** An error in what the caller requested (arguments, options). */
export function usageError(code: CodeOf<'usage'>, message: string, extras: ProblemExtras = {}): RootletError {
  return new RootletError([problem(code, [], message, extras)]);
}

/** A broken invariant of rootlet. Prefer this to an engine error: it specifies where. */
export function bugError(where: readonly string[], message: string): RootletError {
  return new RootletError([problem('bug-invariant', where, message)]);
}

/** Runs `body`; any `RootletError` leaving it gets `frame` put before its places. */
export function within<T>(frame: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof RootletError) throw addFrame(error, frame);
    throw error;
  }
}

/** The same error, one frame further out. */
export function addFrame(error: RootletError, frame: string): RootletError {
  return new RootletError(
    error.problems.map(problem => ({ ...problem, where: [frame, ...problem.where] })),
    error.cause === undefined ? undefined : { cause: error.cause },
  );
}

/**
 * One problem as text: `place: place: message (offset 0x40)`, then details and the hint on lines of their
 * own.
 */
export function formatProblem(problem: Problem): string {
  const place = problem.where.map(printableName).join(': ');
  const offset = problem.offset === undefined ? '' : ` (offset 0x${problem.offset.toString(16)})`;
  const head = `${place === '' ? '' : `${place}: `}${oneLine(problem.message)}${offset}`;
  const details = (problem.details ?? []).map(line => `  ${oneLine(line)}`);
  const hint = problem.hint === undefined ? [] : [`  hint: ${oneLine(problem.hint)}`];
  return [head, ...details, ...hint].join('\n');
}

/** `1 byte`, `2 bytes`, `2 entries`: a number with its unit. */
export function counted(count: number | bigint, unit: string): string {
  if (Number(count) === 1) return `${count} ${unit}`;
  return `${count} ${unit.endsWith('y') ? `${unit.slice(0, -1)}ies` : `${unit}s`}`;
}

/**
 * Exit codes of the command, the same for all of it, but that `plan` ends with `pending` when something is to be
 * done, and with `input` where others end with `usage`.
 */
export const EXIT = {
  ok: 0,
  input: 1,
  usage: 2,
  pending: 2,
  platform: 3,
  busy: 4,
  partial: 5,
  bug: 70,
} as const;

/** Exit code for a set of problems: that of the first one. Unknown errors are internal errors. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof RootletError)) return EXIT.bug;
  return EXIT[error.problems[0]?.class ?? 'bug'];
}
