/** Merges identical blocks. */

import type { Graph } from '../ir/index.ts';

/** Merges identical blocks. */
export function mergeTails(_graph: Graph): void {
  // follows
}
