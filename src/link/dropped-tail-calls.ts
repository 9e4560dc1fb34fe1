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

/** A result, and where the symbols of one input are in it. */
export interface Whole {
  readonly object: BpfObject;
  readonly at: (index: SymbolIndex) => SymbolIndex;
}

/**
 * Notes about one input: `isLive` answers for its symbols. Of the programs that are kept, as programs or as
 * functions, each counts with the arrays that it reaches in the `whole`, where libraries have their code.
 */
export function droppedTailCalls(
  object: BpfObject,
  isLive: (at: SymbolIndex) => boolean,
  remedy: Remedy,
  whole: Whole = { object, at: index => index },
): string[] {
  const kept = programsOf(object).filter(({ index }) => isLive(index));
  const notes = kept.flatMap(({ index }) => {
    const { live } = markLive(whole.object, [whole.at(index)]);
    return mayTailCall(object, index, live, whole.object).flatMap(({ array, programs }) => {
      const names = programs.filter(at => !isLive(at)).map(at => symbolOf(object, at).name);
      return noteOf(object.name, symbolOf(whole.object, array).name, names, remedy);
    });
  });
  return [...new Set(notes)];
}

/** Notes about a load of some programs only, by name. */
export function notLoadedTailCalls(object: BpfObject, isLoaded: (program: string) => boolean): string[] {
  const loaded = programsOf(object).flatMap(({ program: { name } }) => (isLoaded(name) ? [name] : []));
  const remedy: Remedy = names =>
    `rootlet load FILE --only ${[...loaded, ...names].join(',')} loads them, too`;
  return droppedTailCalls(object, at => isLoaded(symbolOf(object, at).name), remedy);
}

function noteOf(file: string, array: string, dropped: readonly string[], remedy: Remedy): string[] {
  if (dropped.length === 0) return [];
  return [
    `${file}: tail calls through ${quote(array)}, which is filled at run time, ` +
      `cannot reach ${dropped.map(quote).join(', ')}: dropped; ${remedy(dropped)}`,
  ];
}
