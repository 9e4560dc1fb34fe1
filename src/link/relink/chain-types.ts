/**
 * Properties of the programs of a section: the context struct that they get, their verdicts, and whether
 * the kernel restricts the range of the result.
 */

import {
  available,
  failed,
  ok,
  type Problem,
  type ProblemExtras,
  problem,
  quote,
  type Result,
} from '../../diag/index.ts';
import {
  contextNameOf,
  programTypeOf,
  type Verdict,
  verdictNumbers,
  verdictOfWord,
  verdictsOf,
  verdictWords,
} from '../../object/index.ts';
import { BPF_PROG_TYPE_UNSPEC } from '../../uapi/index.ts';

export type { Verdict } from '../../object/index.ts';

function typeOf(section: string): number {
  return programTypeOf(section)?.progType ?? BPF_PROG_TYPE_UNSPEC;
}

/** Context struct of a program section; undefined if chains of this type are not supported. */
export function contextOf(section: string): string | undefined {
  const type = typeOf(section);
  return verdictsOf(type) === undefined ? undefined : contextNameOf(type);
}

/** Whether the verifier must know the results of the components of such a chain. */
export function checksVerdicts(section: string): boolean {
  return verdictsOf(typeOf(section))?.checked === true;
}

/** The numbers of the verdicts that such programs have. */
export function knownVerdicts(section: string): readonly number[] {
  return verdictNumbers(typeOf(section));
}

/** Verdict given by name or number; a problem that lists the names when it is neither. */
export function parseVerdict(section: string, text: string): Result<Verdict> {
  if (/^-?\d{1,9}$/.test(text)) return ok(Number(text));
  const type = typeOf(section);
  const value = verdictOfWord(type, text);
  if (value !== undefined) return ok(value);
  const words = verdictWords(type);
  const known = words.length === 0 ? 'give a number' : `${available('there are', words)}, or a number`;
  return failed(
    verdictProblem(text, `${quote(text)} is not a valid verdict of section ${quote(section)}; ${known}`),
  );
}

/** `text`: the verdict as it was given, or the section that has none. */
export function verdictProblem(text: string, message: string, extras: ProblemExtras = {}): Problem {
  return problem('chain-verdict', [], message, { subject: text, ...extras });
}
