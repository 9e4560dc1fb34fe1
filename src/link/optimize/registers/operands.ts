/**
 * Gives arithmetic a copy of the operand that it overwrites: `a += b` becomes `c = a; c += b`, as soon as webs are
 * split.
 *
 * The value of `a` then stays in a register that value numbering can find: the start of the packet, for example,
 * after the first member has added the length of a header to it. Where nothing uses it any more, coalescing makes one
 * register of the two.
 */

import type { BlockIndex, Graph } from '../ir/index.ts';
import { FIRST_VIRTUAL, type Ins, isCopy, isTwoAddress, move, type Register } from '../ir/index.ts';

/** Adds the copies, where there are none yet. */
export function separateOperands(graph: Graph, order: readonly BlockIndex[]): void {
  for (const index of order) {
    const block = graph.block(index);
    if (block.ins.some(overwrites)) block.ins = separated(block.ins);
  }
}

function overwrites(ins: Ins): boolean {
  return ins.dst >= FIRST_VIRTUAL && isTwoAddress(ins);
}

function separated(list: readonly Ins[]): Ins[] {
  const out: Ins[] = [];
  let copied: Register = -1;
  for (const ins of list) {
    // A copy of a register to itself, until the two have different names.
    if (overwrites(ins) && ins.dst !== copied) out.push(move(ins.dst, ins.dst, ins.line));
    out.push(ins);
    copied = isCopy(ins) && ins.src >= FIRST_VIRTUAL ? ins.dst : -1;
  }
  return out;
}
