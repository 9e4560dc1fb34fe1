/**
 * Maps that are pinned by name: rootlet and components that pin one name mean one map, whichever back end
 * loads them.
 */

import { type Problem, quote, shellWord } from '../../diag/index.ts';
import { disagreement, pinnedSymbols, type SymbolAt } from '../../link/index.ts';
import { type BpfObject, symbolOf } from '../../object/index.ts';

/** One problem for each definition that differs from an earlier one of the same name. */
export function pinnedProblems(objects: readonly BpfObject[]): Problem[] {
  const first = new Map<string, SymbolAt>();
  return objects.flatMap((object, file) =>
    [...pinnedSymbols(object)].flatMap((index): Problem[] => {
      const at = { file, index };
      const name = symbolOf(object, index).name;
      const known = first.get(name);
      if (known === undefined) first.set(name, at);
      const problem = known === undefined ? null : disagreement(objects, known, at);
      return problem === null ? [] : [{ ...problem, hint: hintFor(name, object.name) }];
    }),
  );
}

function hintFor(name: string, file: string): string {
  const other = `rootlet link --redefine-sym ${shellWord(name)}=OTHER_NAME ${shellWord(file)} -o OUTPUT`;
  return `both are pinned as ${quote(name)}, which is one map; a copy with a map and pin of its own: ${other}`;
}
