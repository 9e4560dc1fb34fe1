/** Loops of a graph: their headers, and the registers that change in them. */

import { elementAt } from '../../../bytes/index.ts';
import { dominators, isReducible, predecessorsOf } from '../../../isa/index.ts';
import type { BlockIndex, Graph } from '../ir/index.ts';
import { FIRST_VIRTUAL, type Register, writtenRegister } from '../ir/index.ts';

/** Virtual registers that are written in the loops of each header; registers of the machine change in all. */
export type Loops = ReadonlyMap<BlockIndex, readonly Register[]>;

/** The loops; undefined where a loop has more than one entry. `order` is the reverse postorder. */
export function loopsOf(graph: Graph, order: readonly BlockIndex[]): Loops | undefined {
  const positions = new Int32Array(graph.blocks.length).fill(-1);
  order.forEach((block, position) => {
    positions[block] = position;
  });
  const successors = (position: number): number[] =>
    graph.successors(elementAt(order, position)).map(block => elementAt(positions, block));
  const predecessors = predecessorsOf(order.length, [...order.keys()], successors);
  const latches = latchesOf(predecessors);
  if (latches.size === 0) return new Map();
  if (!isReducible(order.length, successors, dominators(predecessors))) return undefined;
  const loops = new Map<BlockIndex, readonly Register[]>();
  for (const [header, ends] of latches) {
    const body = bodyOf(header, ends, predecessors).map(position => elementAt(order, position));
    loops.set(elementAt(order, header), writtenIn(graph, body));
  }
  return loops;
}

/** Headers, with the blocks that go back to them. Blocks by their positions. */
function latchesOf(predecessors: readonly (readonly number[])[]): Map<number, number[]> {
  const latches = new Map<number, number[]>();
  predecessors.forEach((list, block) => {
    const ends = list.filter(predecessor => predecessor >= block);
    if (ends.length > 0) latches.set(block, ends);
  });
  return latches;
}

function bodyOf(
  header: number,
  latches: readonly number[],
  predecessors: readonly (readonly number[])[],
): number[] {
  const seen = new Set([header]);
  const work = [...latches];
  for (let block = work.pop(); block !== undefined; block = work.pop()) {
    if (seen.has(block)) continue;
    seen.add(block);
    work.push(...elementAt(predecessors, block));
  }
  return [...seen];
}

function writtenIn(graph: Graph, body: readonly BlockIndex[]): Register[] {
  const written = new Set<Register>();
  for (const block of body)
    for (const ins of graph.block(block).ins) {
      const register = writtenRegister(ins);
      if (register >= FIRST_VIRTUAL) written.add(register);
    }
  return [...written];
}
