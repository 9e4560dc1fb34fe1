/**
 * Programs of components that are dropped although kept code may tail-call them.
 *
 * A program array without static values is filled by another process, so that nothing in the object refers to
 * the programs in it. Without them every tail call falls through: that is reported, with what keeps them.
 */

import { quote } from '../diag/index.ts';
import {
  type BpfObject,
  markLive,
  mayTailCall,
  programsOf,
  type SymbolIndex,
  symbolOf,
} from '../object/index.ts';

/** What keeps the programs of these names. */
export type Remedy = (names: readonly string[]) => string;

/** The options of a re-link. */
export const KEEP: Remedy = names => `keep with ${names.map(name => `--keep ${name}`).join(' ')}`;

/**
 * Notes about one input: `isLive` answers for its symbols. Of the programs that are kept, as programs or as
 * functions, each counts with the arrays that it reaches itself.
 */
export function droppedTailCalls(
  object: BpfObject,
  isLive: (at: SymbolIndex) => boolean,
  remedy: Remedy,
): string[] {
  const kept = programsOf(object).filter(({ index }) => isLive(index));
  const notes = kept.flatMap(({ index }) =>
    mayTailCall(object, index, markLive(object, [index]).live).flatMap(({ array, programs }) =>
      noteOf(
        object,
        array,
        programs.filter(at => !isLive(at)),
        remedy,
      ),
    ),
  );
  return [...new Set(notes)];
}

/** Notes about a load of some programs only, by name. */
export function notLoadedTailCalls(object: BpfObject, isLoaded: (program: string) => boolean): string[] {
  const remedy: Remedy = () => 'rootlet load FILE loads all programs';
  return droppedTailCalls(object, at => isLoaded(symbolOf(object, at).name), remedy);
}

function noteOf(
  object: BpfObject,
  array: SymbolIndex,
  dropped: readonly SymbolIndex[],
  remedy: Remedy,
): string[] {
  if (dropped.length === 0) return [];
  const names = dropped.map(at => symbolOf(object, at).name);
  return [
    `${object.name}: tail calls through ${quote(symbolOf(object, array).name)}, which is filled at run time, ` +
      `cannot reach ${names.map(quote).join(', ')}: dropped; ${remedy(names)}`,
  ];
}
