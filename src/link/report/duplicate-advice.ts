/**
 * What to do about a name that several inputs of a link define: merge equal definitions, run the programs of all
 * files on one hook, or rename.
 *
 * Separate from the problem, because only the driver knows its options; the comparison is made once, and only
 * if there is such a name.
 */

import { elementAt } from '../../bytes/index.ts';
import { type BpfObject, hookRuleOf, programsOf, programTypeOf, sectionNameOf } from '../../object/index.ts';
import { findIdentical, type Identical } from '../passes/index.ts';
import { type DuplicateAdvice, GENERAL_ADVICE, type SymbolAt, type SymbolGroup } from '../resolve/index.ts';
import { once } from './once.ts';

/** `folded`: what `--fold-identical` found; null if it was not requested. */
export function duplicateAdvice(
  objects: readonly BpfObject[],
  folded: Identical | null,
): (clash: SymbolGroup) => DuplicateAdvice {
  const equalNames = once(() => findIdentical(objects).names);
  return ({ name, clashing }) => {
    const isEqual = folded === null && equalNames().has(name);
    const chain = chainCommand(objects, name, clashing);
    const hints = [
      ...(isEqual ? ['the definitions are equal: --fold-identical makes them one'] : []),
      ...(chain === null ? [] : [`to run both on one hook: ${chain}`]),
      ...(isEqual ? [] : [remedyOf(objects, clashing)]),
    ];
    return { details: folded?.differences.get(name) ?? [], hint: hints.join('; ') };
  };
}

/** A program cannot be static, and a weak one would never run. */
function remedyOf(objects: readonly BpfObject[], clashing: readonly SymbolAt[]): string {
  const isOneProgram = clashing.some(at =>
    programs(objects, at.file).some(({ index }) => index === at.index),
  );
  return isOneProgram ? 'rename one when linking (--redefine-sym FILE:OLD=NEW)' : GENERAL_ADVICE.hint;
}

function programs(objects: readonly BpfObject[], file: number): ReturnType<typeof programsOf> {
  return programsOf(elementAt(objects, file));
}

// --- chains -------------------------------------------------------------------------------------------------------

/**
 * The command that chains the files, in which names never clash; null unless each has a program of one type that
 * hooks run one after the other.
 */
function chainCommand(
  objects: readonly BpfObject[],
  name: string,
  clashing: readonly SymbolAt[],
): string | null {
  const files = [...new Set(clashing.map(at => at.file))];
  const chainable = files.map(file => chainablePrograms(elementAt(objects, file)));
  const types = [...elementAt(chainable, 0).values()];
  const type = types.find(one => chainable.every(found => [...found.values()].includes(one)));
  if (type === undefined || files.some(file => isMember(elementAt(objects, file)))) return null;
  const words = files.map((file, at) => {
    const candidates = [...elementAt(chainable, at)].filter(([, one]) => one === type).map(([one]) => one);
    return componentOf(elementAt(objects, file), candidates, name);
  });
  return `rootlet relink --chain ${words.join(' ')}`;
}

/** A file alone where that says which program; else the program of the name that clashes, or one to choose. */
function componentOf(object: BpfObject, candidates: readonly string[], name: string): string {
  if (programsOf(object).length === 1) return object.name;
  const [only, ...others] = candidates;
  if (candidates.includes(name)) return `${object.name}:${name}`;
  return `${object.name}:${others.length === 0 && only !== undefined ? only : 'PROGRAM'}`;
}

/** Type and attach type of programs, by name. */
function chainablePrograms(object: BpfObject): ReadonlyMap<string, string> {
  return new Map(
    programsOf(object).flatMap(({ program }) => {
      const info = programTypeOf(sectionNameOf(object, program));
      return info === undefined || hookRuleOf(info) === undefined
        ? []
        : [[program.name, `${info.progType} ${info.expectedAttachType}`]];
    }),
  );
}

/** `ARCHIVE(MEMBER)` cannot be a component of a chain. */
function isMember({ name }: BpfObject): boolean {
  return name.endsWith(')');
}
