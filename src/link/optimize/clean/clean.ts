/** Copies and dead code, to a fixed point. */

import type { Graph } from '../ir/index.ts';
import { propagateCopies } from './copies.ts';
import { removeDeadCode } from './dead-code.ts';

/** Propagates copies and removes what has no use; the number of nodes removed. */
export function clean(graph: Graph): number {
  const order = graph.order();
  let removed = removeDeadCode(graph, order);
  // A copy that is gone may leave its source with one definition.
  while (propagateCopies(graph) > 0) {
    const dead = removeDeadCode(graph, order);
    removed += dead;
    if (dead === 0) break;
  }
  return removed;
}
