/** How deep blocks are in loops, for estimates: an edge back makes a loop of all blocks between its ends in the order. */

import { elementAt } from '../../../bytes/index.ts';
import type { BlockIndex, Graph } from '../ir/index.ts';
import { filled, intAt } from './integers.ts';

/** The depth of each block by its place in the reverse postorder; 0 outside of loops. */
export function loopDepths(graph: Graph, order: readonly BlockIndex[]): Int32Array {
  const places = filled(graph.blocks.length, -1);
  order.forEach((block, place) => {
    places[block] = place;
  });
  const depths = new Int32Array(order.length);
  for (let place = 0; place < order.length; place++)
    for (const target of graph.successors(elementAt(order, place)))
      for (let inside = intAt(places, target); inside <= place; inside++)
        depths[inside] = intAt(depths, inside) + 1;
  return depths;
}
