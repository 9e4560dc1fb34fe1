/** Copies and dead code, to a fixed point. */

import { livenessOf } from '../analysis/index.ts';
import type { Graph } from '../ir/index.ts';
import type { Webs } from '../registers/index.ts';
import { propagateCopies } from './copies.ts';
import { removeDeadCode } from './dead-code.ts';

/** Propagates copies and removes what has no use; the number of nodes removed. `webs`: those of the graph as it is. */
export function clean(graph: Graph, webs: Webs = websOf(graph)): number {
  const { order, unwritten } = webs;
  let removed = removeDeadCode(graph, order);
  // A copy that is gone may leave its source with one definition.
  while (propagateCopies(graph, order, unwritten) > 0) {
    const dead = removeDeadCode(graph, order);
    removed += dead;
    if (dead === 0) break;
  }
  return removed;
}

function websOf(graph: Graph): Webs {
  const liveness = livenessOf(graph);
  return { order: liveness.order, unwritten: liveness.liveAtStart(0) };
}
