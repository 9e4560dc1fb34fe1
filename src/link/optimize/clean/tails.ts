/**
 * Merges blocks that do the same: the verdicts and ends of inlined members.
 *
 * Blocks are compared from the ends of the program, with the classes of blocks that they lead to, so whole tails are
 * merged in one visit. Registers that only one block names may differ. Compared are values, not bytes: what a block
 * reads from elsewhere has to be in the same virtual register. The first block stays, with its lines.
 *
 * A verifier remembers for each load, store and call which kind of pointer it had, and refuses another kind on another
 * path ("same insn cannot be used with different pointers"). Blocks that access memory are merged only if the types of
 * their addresses are certain (`PointerTypes`); after colouring that is the frame alone.
 */

import { elementAt } from '../../../bytes/index.ts';
import { isLoad, isStore } from '../../../isa/index.ts';
import { filled, intAt, LAST_CLOBBERED } from '../analysis/index.ts';
import {
  type Block,
  type BlockIndex,
  FIRST_VIRTUAL,
  type Graph,
  type Ins,
  isCall,
  isCopy,
  retargeted,
} from '../ir/index.ts';
import { PointerTypes } from './pointer-types.ts';
import { Shapes } from './shapes.ts';

/** Not visited. */
const NO_CLASS = -1;

/** Leads edges to one of the blocks that do the same. The others stay in the list of blocks, and nothing reaches them. */
export function mergeTails(graph: Graph): void {
  const order = graph.order();
  const classes = classesOf(graph, order);
  const kept = firstOfClasses(order, classes);
  for (const index of order) {
    const block = graph.block(index);
    block.terminator = retargeted(block.terminator, target => intAt(kept, intAt(classes, target)));
  }
}

/** The class of each block: those of one class do the same. */
function classesOf(graph: Graph, order: readonly BlockIndex[]): Int32Array {
  const classes = filled(graph.blocks.length, NO_CLASS);
  const shapes = new Shapes(graph, order, classes);
  const types = new PointerTypes(graph, order);
  let count = 0;
  for (let at = order.length - 1; at >= 0; at--) {
    const index = elementAt(order, at);
    const isFixed = index === 0 || !isMergeable(graph.block(index), types);
    const equal = isFixed ? undefined : shapes.equalOf(index);
    classes[index] = equal === undefined ? count++ : intAt(classes, equal);
  }
  return classes;
}

/** By class, the block with the smallest number: blocks are numbered in the order of the sources. */
function firstOfClasses(order: readonly BlockIndex[], classes: Int32Array): Int32Array {
  const kept = filled(order.length, NO_CLASS);
  for (const index of order) {
    const each = intAt(classes, index);
    const first = intAt(kept, each);
    if (first === NO_CLASS || index < first) kept[each] = index;
  }
  return kept;
}

/** Whether a verifier sees the same types of pointers wherever the block is entered from. */
function isMergeable({ ins }: Block, types: PointerTypes): boolean {
  const hasCall = ins.some(isCall);
  return ins.every(each => {
    if (isLoad(each)) return types.isCertain(each.src);
    if (isStore(each)) return types.isCertain(each.dst);
    return !hasCall || !isArgument(each) || types.isCertain(each.src);
  });
}

function isArgument(ins: Ins): boolean {
  return isCopy(ins) && ins.dst <= LAST_CLOBBERED && ins.src >= FIRST_VIRTUAL;
}
