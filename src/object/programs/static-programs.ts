/**
 * What is reported about static functions in program sections that nothing calls. Separate, because loaders,
 * hooks, links and the machine all refuse them with the same words.
 */

import { type Problem, type ProblemCode, problem, quote } from '../../diag/index.ts';
import { type BpfObject, type FunctionSymbol, sectionNameOf } from '../model/index.ts';

/** The problem of a static function that is meant as a program. */
export function staticProgram(object: BpfObject, program: FunctionSymbol, code: ProblemCode): Problem {
  return problem(
    code,
    [object.name, `section ${quote(sectionNameOf(object, program))}`],
    staticText(program),
    {
      subject: program.name,
      hint: staticHint(program),
    },
  );
}

/** The same as a note about an object that is linked or shown. */
export function staticNote(object: BpfObject, program: FunctionSymbol): string {
  const section = quote(sectionNameOf(object, program));
  return `${object.name}: section ${section}: ${staticText(program)}; ${staticHint(program)}`;
}

function staticText({ name }: FunctionSymbol): string {
  return `program ${quote(name)} is static and not supported: nothing calls it, and loaders cannot find it`;
}

function staticHint({ name }: FunctionSymbol): string {
  return `remove "static", or make it global: rootlet link --globalize-symbol ${name}`;
}
