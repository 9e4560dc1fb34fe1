/**
 * The control flow graph of one program in the optimizer.
 *
 * A graph belongs to one run of the optimizer: passes change its blocks in place (the lists of instructions, never
 * the nodes). Block 0 is the entry and has no predecessor. Blocks that nothing reaches may be present: passes walk
 * `order()`.
 */

import type { LineRecord } from '../../../btf/index.ts';
import { elementAt } from '../../../bytes/index.ts';
import { reversePostorder } from '../../../isa/index.ts';
import { FIRST_VIRTUAL, type Ins, type Register } from './ins.ts';

/** Index into `Graph.blocks`. */
export type BlockIndex = number;

/** How control leaves a block. */
export type Terminator =
  /** Leaves the program with the verdict in r0. */
  | { readonly kind: 'exit'; readonly line: LineRecord | null }
  | { readonly kind: 'jump'; readonly target: BlockIndex }
  /** `ins` is a comparison; its `offset` is not valid. */
  | { readonly kind: 'branch'; readonly ins: Ins; readonly taken: BlockIndex; readonly next: BlockIndex };

export interface Block {
  ins: Ins[];
  terminator: Terminator;
}

const NO_BLOCKS: readonly BlockIndex[] = [];

/** Blocks that a terminator leads to, the one of a taken branch first; a target may be there twice. */
export function targetsOf(terminator: Terminator): readonly BlockIndex[] {
  if (terminator.kind === 'jump') return [terminator.target];
  return terminator.kind === 'branch' ? [terminator.taken, terminator.next] : NO_BLOCKS;
}

/** The terminator with other targets; itself where they are the same. */
export function retargeted(terminator: Terminator, map: (target: BlockIndex) => BlockIndex): Terminator {
  if (terminator.kind === 'exit') return terminator;
  if (terminator.kind === 'jump') {
    const target = map(terminator.target);
    return target === terminator.target ? terminator : { kind: 'jump', target };
  }
  const taken = map(terminator.taken);
  const next = map(terminator.next);
  return taken === terminator.taken && next === terminator.next ? terminator : { ...terminator, taken, next };
}

/** A program as blocks of instructions over virtual registers. */
export class Graph {
  readonly blocks: Block[] = [];
  /** Bytes below the frame pointer that are in use: an upper bound, a multiple of 8. */
  frame = 0;
  /** One above the largest register. */
  registers: Register = FIRST_VIRTUAL;

  /** A block of the graph. Throws `bug-index` where there is none. */
  block(index: BlockIndex): Block {
    return elementAt(this.blocks, index);
  }

  /** Adds a block; it exits until its terminator is set. */
  addBlock(ins: Ins[] = [], terminator: Terminator = { kind: 'exit', line: null }): BlockIndex {
    return this.blocks.push({ ins, terminator }) - 1;
  }

  /** Numbers of `count` new virtual registers that follow each other; the first one. */
  addRegisters(count: number): Register {
    const first = this.registers;
    this.registers += count;
    return first;
  }

  /** Targets of a block. */
  successors(index: BlockIndex): readonly BlockIndex[] {
    return targetsOf(this.block(index).terminator);
  }

  /** Blocks that are reached, in reverse postorder. */
  order(): BlockIndex[] {
    return reversePostorder(this.blocks.length, index => this.successors(index));
  }
}
