/**
 * The one table of problem codes: code → class. A code has one class, so that it has one exit code.
 *
 * A code is stable within a major version. Its first word is the part that reports it; docs/errors.md
 * explains the words and the common codes. The constructors in problem.ts only take codes of this table.
 */

import { OBJECT_CODES } from './codes-objects.ts';
import { RUNNING_CODES } from './codes-running.ts';
import type { ProblemClass } from './problem-class.ts';

/** Every code, with its class. */
export const PROBLEM_CODES = {
  ...OBJECT_CODES,
  ...RUNNING_CODES,
  // --- Internal errors ---
  'bug-empty-error': 'bug',
  'bug-index': 'bug',
  'bug-invariant': 'bug',
} as const satisfies Readonly<Record<string, ProblemClass>>;

/** Code of a problem: a name of `PROBLEM_CODES`. */
export type ProblemCode = keyof typeof PROBLEM_CODES;

/** The codes of one class. */
export type CodeOf<Class extends ProblemClass> = {
  [Code in ProblemCode]: (typeof PROBLEM_CODES)[Code] extends Class ? Code : never;
}[ProblemCode];

/** The class of a code. */
export function classOf(code: ProblemCode): ProblemClass {
  return PROBLEM_CODES[code];
}

/** Whether a text is a code of the table. */
export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEM_CODES, text);
}
