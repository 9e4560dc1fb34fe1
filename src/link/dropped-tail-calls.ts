/**
 * Programs of components that re-linking drops although kept code may tail-call them.
 *
 * A program array without static values is filled by another process, so that nothing in the object refers to
 * the programs in it. Without them every tail call falls through: that is reported, with what keeps them.
 */

import { elementAt } from '../bytes/index.ts';
import { quote } from '../diag/index.ts';
import { type BpfObject, mayTailCall, type SymbolIndex, symbolOf } from '../object/index.ts';
import type { SymbolAt } from './resolve/index.ts';

/** `isLive` answers for a symbol of an input; `programs` are those that became functions of the result. */
export function droppedTailCalls(
  objects: readonly BpfObject[],
  programs: readonly SymbolAt[],
  isLive: (at: SymbolAt) => boolean,
): string[] {
  const notes = programs.flatMap(({ file, index }): string[] => {
    const object = elementAt(objects, file);
    const live = object.symbols.map((_, at) => isLive({ file, index: at }));
    return mayTailCall(object, index, live).flatMap(({ array, programs: targets }) =>
      noteOf(
        object,
        array,
        targets.filter(at => live[at] !== true),
      ),
    );
  });
  return [...new Set(notes)];
}

function noteOf(object: BpfObject, array: SymbolIndex, dropped: readonly SymbolIndex[]): string[] {
  if (dropped.length === 0) return [];
  const nameOf = (at: SymbolIndex): string => symbolOf(object, at).name;
  const names = dropped.map(at => quote(nameOf(at))).join(', ');
  return [
    `${object.name}: tail calls through ${quote(nameOf(array))}, which is filled at run time, cannot reach ${names}: ` +
      `dropped; keep with ${dropped.map(at => `--keep ${nameOf(at)}`).join(' ')}`,
  ];
}
