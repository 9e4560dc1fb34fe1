/**
 * COMDAT groups: copies of templates and inline functions that C++ and Rust compilers put into every file that
 * uses them.
 *
 * Of several inputs of a scope with a group of one signature, the first keeps it. All symbols of the others'
 * groups are dropped together, references to their names refer to the symbols that are kept. This is what ELF
 * linkers do.
 */

import { elementAt } from '../../bytes/index.ts';
import { type Problem, problem, quote } from '../../diag/index.ts';
import {
  type BpfObject,
  comdatOf,
  isDebugSection,
  type SymbolIndex,
  sectionNameOf,
  symbolOf,
} from '../../object/index.ts';

/** For each input: its symbols whose group another input keeps. */
export type Dropped = readonly ReadonlySet<SymbolIndex>[];

export const NOTHING_DROPPED: ReadonlySet<SymbolIndex> = new Set();

/** `scopeOf`: groups of different scopes are different groups. */
export function droppedGroups(objects: readonly BpfObject[], scopeOf: (file: number) => number): Dropped {
  const owners = new Map<string, number>();
  return objects.map((object, file) => {
    const dropped = new Set<SymbolIndex>();
    object.symbols.forEach((symbol, index) => {
      const signature = comdatOf(symbol);
      if (signature === undefined) return;
      const key = `${scopeOf(file)} ${signature}`;
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, file);
      else if (owner !== file) dropped.add(index);
    });
    return dropped;
  });
}

/**
 * References from outside of a dropped group to a static symbol in it: no other input has that symbol. Compilers
 * do not make them.
 */
export function droppedReferences(objects: readonly BpfObject[], dropped: Dropped): Problem[] {
  return objects.flatMap((object, file) => {
    const gone = elementAt(dropped, file);
    if (gone.size === 0) return [];
    return object.symbols.flatMap((symbol, index) => {
      if (symbol.kind === 'extern' || gone.has(index) || isDebugSection(sectionNameOf(object, symbol)))
        return [];
      const lost = symbol.references.find(
        ({ symbol: to }) => gone.has(to) && symbolOf(object, to).binding === 'local',
      );
      return lost === undefined ? [] : [lostProblem(object, symbol.name, lost.symbol)];
    });
  });
}

function lostProblem(object: BpfObject, name: string, to: SymbolIndex): Problem {
  const target = symbolOf(object, to);
  return problem(
    'link-discarded-group',
    [object.name, quote(name)],
    `refers to ${quote(target.name)}, a static symbol in the COMDAT group ${quote(`${comdatOf(target)}`)}, which another input has already`,
    { subject: target.name, hint: 'compile both files with the same version of the compiler' },
  );
}
