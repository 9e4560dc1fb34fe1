/**
 * Which symbols a set of roots reaches, through references and implicit needs.
 *
 * Iterative marking; for every live symbol it is remembered who kept it, so that "why is this here" has an
 * answer. Separate from garbage collection, which decides about the roots: slots, compositions and the
 * embedded machine ask for other roots.
 */

import { elementAt } from '../../bytes/index.ts';
import type { BpfObject, SymbolIndex } from '../model/index.ts';
import { implicitNeeds, type Needs } from './needs.ts';

export interface Liveness {
  readonly live: readonly boolean[];
  /** Symbol that first kept this one; -1 for roots and dead symbols. */
  readonly keptBy: Int32Array;
}

/** Marks what `roots` reach. `needs` are those of the object, or `NO_NEEDS` to follow references alone. */
export function markLive(
  object: BpfObject,
  roots: Iterable<SymbolIndex>,
  needs: Needs = implicitNeeds(object),
): Liveness {
  const live = new Array<boolean>(object.symbols.length).fill(false);
  const keptBy = new Int32Array(object.symbols.length).fill(-1);
  const work: SymbolIndex[] = [];
  const visit = (index: SymbolIndex, by: SymbolIndex): void => {
    if (live[index] !== false) return;
    live[index] = true;
    keptBy[index] = by;
    work.push(index);
  };
  for (const root of roots) visit(root, -1);
  for (let index = work.pop(); index !== undefined; index = work.pop()) {
    const symbol = object.symbols[index];
    if (symbol === undefined || symbol.kind === 'extern') continue;
    for (const reference of symbol.references) visit(reference.symbol, index);
    for (const needed of needs(index)) visit(needed, index);
  }
  return { live, keptBy };
}

/** From a root to `index`: the chain of symbols that keeps it; empty when it is dead. */
export function pathTo(liveness: Liveness, index: SymbolIndex): SymbolIndex[] {
  if (liveness.live[index] !== true) return [];
  const path: SymbolIndex[] = [];
  for (let current = index; current >= 0; current = elementAt(liveness.keptBy, current)) path.push(current);
  return path.reverse();
}
