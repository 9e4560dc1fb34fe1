/**
 * What can go wrong, as data.
 *
 * A `Problem` says one mistake once and completely: a stable code for programs, the place as frames from the
 * outside in (file, section, symbol, instruction), the sentence for people, and where a known human mistake is
 * behind it, a hint. Nothing below the command prints; everything returns or throws problems.
 */

/** Who has to act: decides the exit code of the command (see `exitCodeOf`). */
export type ProblemClass = 'input' | 'usage' | 'platform' | 'busy' | 'partial' | 'bug';

/** One mistake, complete: what is wrong, where, and what to do about it. */
export interface Problem {
  /** Stable, kebab-case; part of the public interface. The part before the first dash names the layer. */
  readonly code: string;
  readonly class: ProblemClass;
  /** Places from the outside in, e.g. `['second.o', 'section "xdp"', 'insn 12']`. */
  readonly where: readonly string[];
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
  get code(): string {
    return this.problems[0]?.code ?? 'bug-empty-error';
  }
}

type ProblemExtras = Omit<Partial<Problem>, 'code' | 'where' | 'message' | 'class'>;

/** An error for input that breaks a rule. */
export function inputError(
  code: string,
  where: readonly string[],
  message: string,
  extras: ProblemExtras = {},
): RootletError {
  return new RootletError([{ code, class: 'input', where, message, ...extras }]);
}

/** An error of the kernel or the operating system. */
export function platformError(
  code: string,
  where: readonly string[],
  message: string,
  extras: ProblemExtras = {},
): RootletError {
  return new RootletError([{ code, class: 'platform', where, message, ...extras }]);
}

/** An error in what the caller asked for (arguments, options). */
export function usageError(code: string, message: string, extras: ProblemExtras = {}): RootletError {
  return new RootletError([{ code, class: 'usage', where: [], message, ...extras }]);
}

/** An invariant of our own that does not hold. Prefer this to an engine error: it can say where. */
export function bugError(where: readonly string[], message: string): RootletError {
  return new RootletError([{ code: 'bug-invariant', class: 'bug', where, message }]);
}

/** Runs `body`; any `RootletError` leaving it gets `frame` put in front of its places. */
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

/** One problem as text: `place: place: message (offset 0x40)`, then details and the hint on lines of their own. */
export function formatProblem(problem: Problem): string {
  const place = problem.where.map(oneLine).join(': ');
  const offset = problem.offset === undefined ? '' : ` (offset 0x${problem.offset.toString(16)})`;
  const head = `${place === '' ? '' : `${place}: `}${printable(problem.message)}${offset}`;
  const details = (problem.details ?? []).map(line => `  ${printable(line)}`);
  const hint = problem.hint === undefined ? [] : [`  hint: ${printable(problem.hint)}`];
  return [head, ...details, ...hint].join('\n');
}

/** `text` with control characters made visible, so that a name in a file cannot drive the terminal. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    escapeCharacter,
  );
}

function escapeCharacter(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** A name from a file, in double quotes, printable and on one line. */
export function quote(name: string): string {
  return `"${oneLine(name)}"`;
}

function oneLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** Exit codes of the command, the same for all of it. */
export const EXIT = { ok: 0, input: 1, usage: 2, platform: 3, busy: 4, partial: 5, bug: 70 } as const;

/** Exit code for a set of problems: that of the first one. Unknown errors are our own bugs. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof RootletError)) return EXIT.bug;
  return EXIT[error.problems[0]?.class ?? 'bug'];
}
