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

const UNSEEN = 0;
const ENTERED = 1;
const LEFT = 2;

/** Blocks that the entry reaches, each after those that lead to it by edges that do not go back. */
export function reversePostorder(count: number, successors: Successors): number[] {
  const postorder: number[] = [];
  const progress = new Uint8Array(count);
  const pending = count > 0 ? [0] : [];
  while (pending.length > 0) {
    const block = elementAt(pending, pending.length - 1);
    if (progress[block] === UNSEEN) {
      progress[block] = ENTERED;
      const targets = successors(block);
      for (let at = targets.length - 1; at >= 0; at--) {
        const target = elementAt(targets, at);
        if (elementAt(progress, target) === UNSEEN) pending.push(target);
      }
    } else {
      pending.pop();
      if (progress[block] === ENTERED) postorder.push(block);
      progress[block] = LEFT;
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
