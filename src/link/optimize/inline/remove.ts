/** Removal of functions whose calls were replaced: those that nothing refers to any more. */

import {
  type BpfObject,
  callGraph,
  isDebugSection,
  isProgram,
  markLive,
  type SymbolIndex,
  sectionNameOf,
  symbolOf,
} from '../../../object/index.ts';
import { pruneObject } from '../../passes/index.ts';

/** Which functions may be removed. */
export interface RemovalRequest {
  /** The object before anything was inlined; symbols have the same indexes. */
  readonly before: BpfObject;
  /** Programs that were optimized. */
  readonly programs: readonly SymbolIndex[];
  /** Names that stay. */
  readonly noInline: readonly string[];
  /** Global functions too. */
  readonly removeGlobal: boolean;
}

/** The object without these functions, and their names. */
export interface Removal {
  readonly object: BpfObject;
  readonly removed: readonly string[];
}

/** Removes functions that the programs called and that nothing refers to any more, with their types. */
export function removeUnused(object: BpfObject, request: RemovalRequest): Removal {
  const candidates = removable(request);
  const roots = [...object.symbols.keys()].filter(
    index => !candidates.has(index) && keepsAlive(object, index),
  );
  const { live } = markLive(object, roots);
  const keep = object.symbols.map((_, index) => !candidates.has(index) || live[index] === true);
  const removed = object.symbols.flatMap(({ name }, index) => (keep[index] === true ? [] : [name]));
  if (removed.length === 0) return { object, removed };
  return { object: pruneObject(object, keep, { pruneTypes: request.removeGlobal }).object, removed };
}

/** Functions that the programs called before. */
function removable({ before, programs, noInline, removeGlobal }: RemovalRequest): ReadonlySet<SymbolIndex> {
  const kept = new Set(noInline);
  const roots = new Set(programs);
  return new Set(
    callGraph(before)
      .reach(programs)
      .filter(index => {
        const { binding, name } = symbolOf(before, index);
        return (
          !roots.has(index) &&
          !isProgram(before, symbolOf(before, index)) &&
          !kept.has(name) &&
          (removeGlobal || binding === 'local')
        );
      }),
  );
}

/** DWARF describes functions without needing them. */
function keepsAlive(object: BpfObject, index: SymbolIndex): boolean {
  return !isDebugSection(sectionNameOf(object, symbolOf(object, index)));
}
