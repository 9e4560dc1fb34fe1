/**
 * Gives arithmetic a copy of the operand that it overwrites: `a += b` becomes `c = a; c += b`, as soon as webs are
 * split.
 *
 * The value of `a` then stays in a register that value numbering can find: the start of the packet, for example,
 * after the first member has added the length of a header to it. Where nothing uses it any more, coalescing makes one
 * register of the two.
 */

import type { BlockIndex, Graph } from '../ir/index.ts';
import { FIRST_VIRTUAL, type Ins, isCopy, isTwoAddress, move } from '../ir/index.ts';

/** Adds the copies, where there are none yet. */
export function separateOperands(graph: Graph, order: readonly BlockIndex[]): void {
  for (const index of order) {
    const block = graph.block(index);
    if (block.ins.some(needsCopy)) block.ins = separated(block.ins);
  }
}

/** Whether the node overwrites a virtual register that the node before it does not copy. */
function needsCopy(ins: Ins, at: number, list: readonly Ins[]): boolean {
  if (ins.dst < FIRST_VIRTUAL || !isTwoAddress(ins)) return false;
  const before = list[at - 1];
  return before?.dst !== ins.dst || before.src < FIRST_VIRTUAL || !isCopy(before);
}

function separated(list: readonly Ins[]): Ins[] {
  const out: Ins[] = [];
  list.forEach((ins, at) => {
    // A copy of a register to itself, until the two have different names.
    if (needsCopy(ins, at, list)) out.push(move(ins.dst, ins.dst, ins.line));
    out.push(ins);
  });
  return out;
}
