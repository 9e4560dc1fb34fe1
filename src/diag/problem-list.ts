/**
 * The one collector of problems: keeps them in the order in which they are found, each of them once.
 *
 * Separate from `problem.ts`, which says what a problem is: how equal problems are recognized is decided here
 * only.
 */

import type { Problem } from './problem.ts';

/**
 * Problems in the order in which they were added. Equal ones (see `problemKey`) are kept once, at their first
 * place.
 */
export class ProblemList {
  readonly #byKey = new Map<string, Problem>();

  constructor(problems: Iterable<Problem> = []) {
    this.add(problems);
  }

  add(problems: Iterable<Problem>): void {
    for (const problem of problems) {
      const key = problemKey(problem);
      if (!this.#byKey.has(key)) this.#byKey.set(key, problem);
    }
  }

  /** Whether there is no problem so far. */
  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /** The problems so far, as an array of its own. */
  get all(): readonly Problem[] {
    return [...this.#byKey.values()];
  }
}

/**
 * Two problems are equal when code, place and subject are: one thing is reported once, however it is worded.
 * A problem without a subject equals only one with the same contents.
 */
function problemKey({ code, where, offset, subject, message, details = [] }: Problem): string {
  return JSON.stringify(
    subject === undefined ? [code, where, offset, message, details] : [code, where, offset, subject],
  );
}
