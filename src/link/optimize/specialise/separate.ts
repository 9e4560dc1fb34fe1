/**
 * A register of its own for the result of each two-address operation, so that its operand stays available.
 *
 * `v1 <<= 8` overwrites a value that may have been loaded from the packet. A copy before it starts a new web; where
 * nothing uses the operand afterwards, colouring merges the two again.
 */

import type { BlockIndex, Graph } from '../ir/index.ts';
import { FIRST_VIRTUAL, type Ins, isCopy, isTwoAddress, move } from '../ir/index.ts';
import { splitWebs } from '../registers/index.ts';

/**
 * Puts a copy before each operation on a virtual register that is not a copy already, and splits the webs; whether
 * there was one.
 */
export function separateResults(graph: Graph, order: readonly BlockIndex[]): boolean {
  let isChanged = false;
  for (const index of order) {
    const block = graph.block(index);
    if (!block.ins.some(needsCopy)) continue;
    block.ins = separateIn(block.ins);
    isChanged = true;
  }
  if (isChanged) splitWebs(graph);
  return isChanged;
}

function needsCopy(ins: Ins, at: number, list: readonly Ins[]): boolean {
  if (ins.dst < FIRST_VIRTUAL || !isTwoAddress(ins)) return false;
  const before = list[at - 1];
  return before === undefined || before.dst !== ins.dst || !isCopy(before);
}

function separateIn(list: readonly Ins[]): Ins[] {
  const out: Ins[] = [];
  list.forEach((ins, at) => {
    if (needsCopy(ins, at, list)) out.push(move(ins.dst, ins.dst, ins.line));
    out.push(ins);
  });
  return out;
}
