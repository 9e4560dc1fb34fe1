/** Merges identical blocks. */

import type { Graph } from '../ir/graph.ts';

/** Merges identical blocks. */
export function mergeTails(_graph: Graph): void {
  // follows
}
