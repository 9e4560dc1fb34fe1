/**
 * Variables of an arena have no place when it is not clear in which arena. Separate from the other limits, which take
 * the code of all functions: every link asks for this one.
 */

import { type Problem, problem, quote } from '../../diag/index.ts';
import { ARENA_SECTION, ambiguousArenas, type BpfObject } from '../../object/index.ts';
import { mayHaveSection } from '../resolve/index.ts';

/** One problem, with the hint, if `object` has such variables. */
export function arenaProblems(object: BpfObject, hint: string): Problem[] {
  const arenas = mayHaveSection(object, ARENA_SECTION) ? ambiguousArenas(object) : [];
  if (arenas.length === 0) return [];
  return [
    problem(
      'relink-once',
      [object.name, `section ${quote(ARENA_SECTION)}`],
      'has variables for one of several arenas',
      { details: [arenas.map(quote).join(', ')], hint },
    ),
  ];
}
