/**
 * What to do about a name that several inputs of a link define: merge equal definitions, run the programs of all
 * files on one hook, or rename.
 *
 * Separate from the problem, because only the driver knows its options; the comparison is made once, and only
 * if there is such a name.
 */

import { elementAt } from '../../bytes/index.ts';
import {
  type BpfObject,
  hookRuleOf,
  programsOf,
  programTypeOf,
  type SymbolIndex,
  sectionNameOf,
} from '../../object/index.ts';
import { findIdentical, type Identical } from '../passes/index.ts';
import { type DuplicateAdvice, GENERAL_ADVICE, type SymbolAt, type SymbolGroup } from '../resolve/index.ts';
import { once } from './once.ts';

/** `folded`: what `--fold-identical` found; null if it was not requested. */
export function duplicateAdvice(
  objects: readonly BpfObject[],
  folded: Identical | null,
): (clash: SymbolGroup) => DuplicateAdvice {
  const equalNames = once(() => findIdentical(objects).names);
  const known = new Map<number, FilePrograms>();
  const programsIn = (file: number): FilePrograms => {
    const found = known.get(file) ?? filePrograms(elementAt(objects, file));
    known.set(file, found);
    return found;
  };
  return ({ name, clashing }) => {
    const isEqual = folded === null && equalNames().has(name);
    const chain = chainCommand(programsIn, name, clashing);
    const hints = [
      ...(isEqual ? ['the definitions are equal: --fold-identical makes them one'] : []),
      ...(chain === null ? [] : [`to run both on one hook: ${chain}`]),
      ...(isEqual ? [] : [remedyOf(programsIn, clashing)]),
    ];
    return { details: folded?.differences.get(name) ?? [], hint: hints.join('; ') };
  };
}

/** A program cannot be static, and a weak one would never run. */
function remedyOf(programsIn: (file: number) => FilePrograms, clashing: readonly SymbolAt[]): string {
  const isOneProgram = clashing.some(at => programsIn(at.file).indexes.has(at.index));
  return isOneProgram ? 'rename one when linking (--redefine-sym FILE:OLD=NEW)' : GENERAL_ADVICE.hint;
}

/** The programs of a file, which every name that clashes asks about. */
interface FilePrograms {
  readonly name: string;
  readonly indexes: ReadonlySet<SymbolIndex>;
  /** Type and attach type of those that hooks run one after the other, by name. */
  readonly chainable: ReadonlyMap<string, string>;
  readonly types: ReadonlySet<string>;
}

function filePrograms(object: BpfObject): FilePrograms {
  const chainable = chainablePrograms(object);
  return {
    name: object.name,
    indexes: new Set(programsOf(object).map(({ index }) => index)),
    chainable,
    types: new Set(chainable.values()),
  };
}

// --- chains -------------------------------------------------------------------------------------------------------

/**
 * The command that chains the files, in which names never clash; null unless each has a program of one type that
 * hooks run one after the other.
 */
function chainCommand(
  programsIn: (file: number) => FilePrograms,
  name: string,
  clashing: readonly SymbolAt[],
): string | null {
  const files = [...new Set(clashing.map(at => at.file))].map(programsIn);
  const type = [...elementAt(files, 0).types].find(one => files.every(({ types }) => types.has(one)));
  if (type === undefined || files.some(isMember)) return null;
  return `rootlet relink --chain ${files.map(file => componentOf(file, type, name)).join(' ')}`;
}

/** A file alone where that says which program; else the program of the name that clashes, or one to choose. */
function componentOf(file: FilePrograms, type: string, name: string): string {
  if (file.indexes.size === 1) return file.name;
  if (file.chainable.get(name) === type) return `${file.name}:${name}`;
  const [only, ...others] = [...file.chainable].filter(([, one]) => one === type).map(([one]) => one);
  return `${file.name}:${others.length === 0 && only !== undefined ? only : 'PROGRAM'}`;
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
function isMember({ name }: FilePrograms): boolean {
  return name.endsWith(')');
}
