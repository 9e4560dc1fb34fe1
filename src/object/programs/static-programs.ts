/**
 * What is reported about static functions in program sections that nothing calls. Separate, because loaders,
 * hooks, links and the machine all refuse them with the same words.
 */

import { type Problem, problem, quote, shellWord } from '../../diag/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  programsOf,
  sectionNameOf,
  staticPrograms,
} from '../model/index.ts';

/** The problem of a static function that is meant as a program. */
export function staticProgram(object: BpfObject, program: FunctionSymbol): Problem {
  return problem(
    'object-static-program',
    [object.name, `section ${quote(sectionNameOf(object, program))}`],
    staticText(program),
    {
      subject: program.name,
      hint: staticHint(program),
    },
  );
}

/** The same as notes about an object that is linked or shown. */
export function staticNotes(object: BpfObject): string[] {
  return staticPrograms(object).map(program => {
    const section = quote(sectionNameOf(object, program));
    return `${object.name}: section ${section}: ${staticText(program)}; ${staticHint(program)}`;
  });
}

function staticText({ name }: FunctionSymbol): string {
  return `program ${quote(name)} is static and not supported: nothing calls it, and loaders cannot find it`;
}

function staticHint({ name }: FunctionSymbol): string {
  return `remove "static", or make it global: rootlet link --globalize-symbol ${shellWord(name)}`;
}

/** The problem where a static function is chosen as program: by its name, or for want of one. */
export function staticChoice(object: BpfObject, name: string | undefined): Problem | undefined {
  const statics = staticPrograms(object);
  if (statics.length === 0 || programsOf(object).some(({ program }) => program.name === name))
    return undefined;
  const chosen = name === undefined ? statics[0] : statics.find(program => program.name === name);
  return chosen === undefined ? undefined : staticProgram(object, chosen);
}
