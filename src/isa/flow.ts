/**
 * Graphs of blocks: orders, predecessors, dominators, reducibility.
 *
 * Works on numbers alone: a graph is a count of blocks and their successors, block 0 is the entry. The embedded
 * machine and the optimizer cut code into blocks of their own kinds and ask here. Nothing recurses: code comes
 * from files.
 */

import { elementAt } from '../bytes/index.ts';

/** Successors of a block, in the order of its terminator. */
export type Successors = (block: number) => readonly number[];

/** Blocks that the entry reaches, each after those that lead to it by edges that do not go back. */
export function reversePostorder(count: number, successors: Successors): number[] {
  const postorder: number[] = [];
  const seen = new Uint8Array(count);
  const blocks: number[] = [];
  const targets: (readonly number[])[] = [];
  const next: number[] = [];
  const enter = (block: number): void => {
    seen[block] = 1;
    blocks.push(block);
    targets.push(successors(block));
    next.push(0);
  };
  if (count > 0) enter(0);
  while (blocks.length > 0) {
    const top = blocks.length - 1;
    const at = elementAt(next, top);
    const target = elementAt(targets, top)[at];
    if (target === undefined) {
      postorder.push(elementAt(blocks, top));
      blocks.pop();
      targets.pop();
      next.pop();
    } else {
      next[top] = at + 1;
      if (seen[target] !== 1) enter(target);
    }
  }
  return postorder.reverse();
}

/** Blocks with an edge to each block; edges of blocks outside of `order` do not count. */
export function predecessorsOf(count: number, order: readonly number[], successors: Successors): number[][] {
  const predecessors = Array.from({ length: count }, (): number[] => []);
  for (const block of order)
    for (const target of successors(block)) elementAt(predecessors, target).push(block);
  return predecessors;
}

/**
 * Immediate dominator of each block, of a graph whose block numbers are the reverse postorder; block 0 has
 * itself. Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm".
 */
export function dominators(predecessors: readonly (readonly number[])[]): number[] {
  const dominator = predecessors.map((_, block): number => (block === 0 ? 0 : -1));
  for (let changed = true; changed; ) {
    changed = false;
    for (let block = 1; block < predecessors.length; block++) {
      let found = -1;
      for (const predecessor of elementAt(predecessors, block)) {
        if (elementAt(dominator, predecessor) < 0) continue;
        found = found < 0 ? predecessor : commonDominator(dominator, found, predecessor);
      }
      if (found === dominator[block]) continue;
      dominator[block] = found;
      changed = true;
    }
  }
  return dominator;
}

function commonDominator(dominator: readonly number[], a: number, b: number): number {
  let left = a;
  let right = b;
  while (left !== right) {
    while (left > right) left = elementAt(dominator, left);
    while (right > left) right = elementAt(dominator, right);
  }
  return left;
}

/** Whether every edge back goes to a block that dominates its source; numbers are the reverse postorder. */
export function isReducible(count: number, successors: Successors, dominator: readonly number[]): boolean {
  for (let block = 0; block < count; block++)
    for (const target of successors(block))
      if (target <= block && !dominates(dominator, target, block)) return false;
  return true;
}

/** Whether every path from the entry to `below` goes through `above`. */
export function dominates(dominator: readonly number[], above: number, below: number): boolean {
  let block = below;
  while (block > above) block = elementAt(dominator, block);
  return block === above;
}
