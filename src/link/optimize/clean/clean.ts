/** Copies and dead code, to a fixed point. */

import { livenessOf } from '../analysis/index.ts';
import type { Graph, Register } from '../ir/index.ts';
import { propagateCopies } from './copies.ts';
import { removeDeadCode } from './dead-code.ts';

/**
 * Propagates copies and removes what has no use; the number of nodes removed. `unwritten`: virtual registers that
 * may be read before they are written.
 */
export function clean(
  graph: Graph,
  unwritten: readonly Register[] = livenessOf(graph).liveAtStart(0),
): number {
  const order = graph.order();
  let removed = removeDeadCode(graph, order);
  // A copy that is gone may leave its source with one definition.
  while (propagateCopies(graph, order, unwritten) > 0) {
    const dead = removeDeadCode(graph, order);
    removed += dead;
    if (dead === 0) break;
  }
  return removed;
}
