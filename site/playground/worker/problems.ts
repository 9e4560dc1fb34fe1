/** Problems as the command prints them. */

import { formatProblem, type Problem, RootletError } from '../../../src/diag/index.ts';
import type { ProblemView } from '../messages.ts';

export function problemViews(problems: readonly Problem[]): ProblemView[] {
  return problems.map(problem => ({ code: problem.code, text: formatProblem(problem) }));
}

/** Everything that is thrown: what is not a `RootletError` is an internal error. */
export function thrownProblems(error: unknown): ProblemView[] {
  if (error instanceof RootletError) return problemViews(error.problems);
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return [{ code: 'bug-invariant', text: `internal error (please report): ${text}` }];
}
