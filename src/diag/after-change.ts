/**
 * Errors after the point of no return: they report that the change has happened, with a code of class `partial`.
 * Separate, because the store, hooks and everything above them have such a point.
 */

import type { CodeOf } from './codes.ts';
import { type Problem, type ProblemExtras, problem, RootletError } from './problem.ts';

/** What has happened, and what the next command does about the rest. */
export interface Happened {
  readonly code: CodeOf<'partial'>;
  readonly where: readonly string[];
  /** As in `the object is loaded, but the change is not complete`; the cause follows after a colon. */
  readonly message: string;
  readonly hint: string;
}

/** Runs the rest of a change that has happened. What it throws becomes the problem of `happened`. */
export function afterChange<T>(happened: Happened, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw error instanceof RootletError ? notComplete(happened, error) : error;
  }
}

/** The error for a change that has happened, and whose rest failed with `error`. */
export function notComplete({ code, where, message, hint }: Happened, error: RootletError): RootletError {
  const [first, ...others] = rootOf(error).problems;
  const cause = first === undefined ? '' : [...first.where, first.message].join(': ');
  const more = others.map(other => [...other.where, other.message].join(': '));
  return new RootletError(
    [problem(code, where, `${message}: ${cause}`, { ...extrasOf(first, more), hint })],
    { cause: error },
  );
}

function extrasOf(first: Problem | undefined, details: readonly string[]): ProblemExtras {
  const more = details.length > 0 ? { details } : {};
  return first?.errno !== undefined ? { errno: first.errno, ...more } : more;
}

/** Of an error that was made here the one that it was made of: the outermost change is reported, and once. */
function rootOf(error: RootletError): RootletError {
  const { cause, problems } = error;
  return problems[0]?.class === 'partial' && cause instanceof RootletError ? rootOf(cause) : error;
}
