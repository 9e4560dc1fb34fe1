/**
 * The shape of the graph: jumps to jumps, empty blocks, branches to one place, straight lines of several blocks.
 *
 * Blocks that are merged into others stay in the list of blocks, and nothing reaches them.
 */

import { intAt } from '../analysis/index.ts';
import { type Block, type BlockIndex, type Graph, retargeted, type Terminator } from '../ir/index.ts';

/** Simplifies the shape of a graph until nothing changes. */
export function simplify(graph: Graph): void {
  while (skipEmptyBlocks(graph)) {
    // A branch that became a jump may leave an empty block.
  }
  joinStraightLines(graph);
}

/** Leads edges past empty blocks, and makes jumps of branches with one target; whether it made one. */
function skipEmptyBlocks(graph: Graph): boolean {
  let isJumpMade = false;
  for (const index of graph.order()) {
    const block = graph.block(index);
    const { terminator } = block;
    block.terminator = withoutChoice(retargeted(terminator, target => destination(graph, target)));
    if (block.terminator.kind !== terminator.kind) isJumpMade = true;
  }
  return isJumpMade;
}

/** The block that a jump to `start` arrives at. An empty loop is its own destination. */
function destination(graph: Graph, start: BlockIndex): BlockIndex {
  let at = start;
  for (let steps = graph.blocks.length; steps > 0; steps--) {
    const { ins, terminator } = graph.block(at);
    if (ins.length > 0 || terminator.kind !== 'jump') return at;
    at = terminator.target;
  }
  return start;
}

function withoutChoice(terminator: Terminator): Terminator {
  if (terminator.kind !== 'branch' || terminator.taken !== terminator.next) return terminator;
  return { kind: 'jump', target: terminator.next };
}

/** Appends blocks with one predecessor to the block that jumps to them. */
function joinStraightLines(graph: Graph): void {
  const order = graph.order();
  const entries = countEntries(graph, order);
  const isJoined = new Uint8Array(graph.blocks.length);
  for (const index of order) {
    if (isJoined[index] === 1) continue;
    const block = graph.block(index);
    for (
      let next = onlyFollower(block, index, entries);
      next >= 0;
      next = onlyFollower(block, index, entries)
    ) {
      append(block, graph.block(next));
      isJoined[next] = 1;
    }
  }
}

/** How many edges lead to each block, and the start of the program to the first one. */
export function countEntries(graph: Graph, order: readonly BlockIndex[]): Int32Array {
  const entries = new Int32Array(graph.blocks.length);
  entries[0] = 1; // where the program starts
  for (const index of order)
    for (const target of graph.successors(index)) entries[target] = intAt(entries, target) + 1;
  return entries;
}

/** The block that only this one leads to, by a jump; -1 for none. */
function onlyFollower({ terminator }: Block, index: BlockIndex, entries: Int32Array): BlockIndex {
  if (terminator.kind !== 'jump' || terminator.target === index) return -1;
  return intAt(entries, terminator.target) === 1 ? terminator.target : -1;
}

function append(block: Block, next: Block): void {
  for (const ins of next.ins) block.ins.push(ins);
  block.terminator = next.terminator;
  next.ins = [];
  next.terminator = { kind: 'exit', line: null };
}
