/**
 * The one table of problem codes: code → class. A code has one class, so that it has one exit code.
 *
 * A code is stable within a major version. Its first word is the part that reports it; docs/errors.md
 * explains the words and the common codes. The constructors in problem.ts only take codes of this table.
 */

import { OBJECT_CODES } from './codes-objects.ts';
import { RUNNING_CODES } from './codes-running.ts';
import type { ProblemClass } from './problem-class.ts';

/** Internal errors. */
const BUG_CODES = {
  'bug-empty-error': 'bug',
  'bug-index': 'bug',
  'bug-invariant': 'bug',
} as const satisfies Readonly<Record<string, ProblemClass>>;

/** Every code, with its class. */
export const PROBLEM_CODES = /* @__PURE__ */ allCodes();

/** A command that looks up a class does not wait for a copy of the tables. */
function allCodes() {
  return { ...OBJECT_CODES, ...RUNNING_CODES, ...BUG_CODES } as const;
}

/** Code of a problem: a name of `PROBLEM_CODES`. */
export type ProblemCode = keyof typeof PROBLEM_CODES;

/** The codes of one class. */
export type CodeOf<Class extends ProblemClass> = {
  [Code in ProblemCode]: (typeof PROBLEM_CODES)[Code] extends Class ? Code : never;
}[ProblemCode];

/** The class of a code. */
export function classOf(code: ProblemCode): ProblemClass {
  if (isIn(OBJECT_CODES, code)) return OBJECT_CODES[code];
  return isIn(RUNNING_CODES, code) ? RUNNING_CODES[code] : BUG_CODES[code];
}

/** Whether a text is a code of the table. */
export function isProblemCode(text: string): text is ProblemCode {
  return isIn(OBJECT_CODES, text) || isIn(RUNNING_CODES, text) || isIn(BUG_CODES, text);
}

function isIn<Table extends object>(table: Table, text: PropertyKey): text is keyof Table {
  return Object.hasOwn(table, text);
}
