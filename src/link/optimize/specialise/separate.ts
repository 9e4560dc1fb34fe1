/**
 * A register of its own for the result of each two-address operation, so that its operand stays available.
 *
 * `v1 <<= 8` overwrites a value that may have been loaded from the packet. A copy before it starts a new web; where
 * nothing uses the operand afterwards, colouring merges the two again.
 */

import type { Graph } from '../ir/index.ts';
import { FIRST_VIRTUAL, type Ins, isCopy, isTwoAddress, move } from '../ir/index.ts';
import { splitWebs } from '../registers/index.ts';

/** Puts a copy before each operation on a virtual register that is not a copy already, and splits the webs. */
export function separateResults(graph: Graph): void {
  let isChanged = false;
  for (const block of graph.order()) {
    const { ins } = graph.block(block);
    const separated = separateIn(ins);
    if (separated.length === ins.length) continue;
    graph.block(block).ins = separated;
    isChanged = true;
  }
  if (isChanged) splitWebs(graph);
}

function separateIn(list: readonly Ins[]): Ins[] {
  const out: Ins[] = [];
  let before: Ins | undefined;
  for (const ins of list) {
    const { dst, line } = ins;
    const isFresh = before !== undefined && isCopy(before) && before.dst === dst;
    if (dst >= FIRST_VIRTUAL && isTwoAddress(ins) && !isFresh) out.push(move(dst, dst, line));
    out.push(ins);
    before = ins;
  }
  return out;
}
