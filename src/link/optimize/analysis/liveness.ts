/**
 * Which registers are live where blocks begin and end.
 *
 * Each register is followed backwards from the blocks that read it first, to those that write it. The work is as much
 * as there is to say, and not blocks times registers: few registers are live at one place, however long a chain is.
 */

import { elementAt } from '../../../bytes/index.ts';
import { predecessorsOf } from '../../../isa/index.ts';
import type { Block, BlockIndex, Graph } from '../ir/index.ts';
import { type Ins, isCall, type Register, writtenRegister } from '../ir/index.ts';
import { BitRows, filled, intAt } from './integers.ts';
import { LAST_CLOBBERED, MAX_READS, readRegisters } from './reads.ts';

const NO_BLOCK = -1;

/** Registers by block, in no order. Without the frame pointer. */
export interface Liveness {
  /** Blocks that are reached, in reverse postorder. */
  readonly order: readonly BlockIndex[];
  liveAtStart(block: BlockIndex): readonly Register[];
  liveAtEnd(block: BlockIndex): readonly Register[];
}

/** Liveness of all registers of a graph. */
export function livenessOf(graph: Graph): Liveness {
  const analysis = new Analysis(graph);
  for (const index of analysis.order) analysis.follow(index);
  return analysis;
}

class Analysis implements Liveness {
  readonly order: readonly BlockIndex[];
  readonly #predecessors: readonly (readonly BlockIndex[])[];
  readonly #atStart: Register[][] = [];
  readonly #atEnd: Register[][] = [];
  /** Rows are blocks: what is in the lists already, and what blocks write. */
  readonly #isAtStart: BitRows;
  readonly #isAtEnd: BitRows;
  readonly #isWritten: BitRows;
  readonly #reads = new Int32Array(MAX_READS);
  /** For each register, the last block that was seen to write it, and to read it first. */
  readonly #writtenIn: Int32Array;
  readonly #readIn: Int32Array;
  /** Blocks at whose beginning the register that is followed was found live. */
  readonly #pending: BlockIndex[] = [];

  constructor(graph: Graph) {
    const count = graph.blocks.length;
    this.order = graph.order();
    this.#predecessors = predecessorsOf(count, this.order, index => graph.successors(index));
    this.#isAtStart = new BitRows(count, graph.registers);
    this.#isAtEnd = new BitRows(count, graph.registers);
    this.#isWritten = new BitRows(count, graph.registers);
    this.#writtenIn = filled(graph.registers, NO_BLOCK);
    this.#readIn = filled(graph.registers, NO_BLOCK);
    for (let index = 0; index < count; index++) {
      this.#atStart.push([]);
      this.#atEnd.push([]);
    }
    for (const index of this.order) this.#summarise(graph.block(index), index);
  }

  liveAtStart(block: BlockIndex): readonly Register[] {
    return elementAt(this.#atStart, block);
  }

  liveAtEnd(block: BlockIndex): readonly Register[] {
    return elementAt(this.#atEnd, block);
  }

  /** What a block reads before it writes it, and what it writes. */
  #summarise({ ins, terminator }: Block, index: BlockIndex): void {
    for (const each of ins) {
      this.#read(each, index);
      if (isCall(each)) for (let lost = 1; lost <= LAST_CLOBBERED; lost++) this.#write(lost, index);
      const result = writtenRegister(each);
      if (result >= 0) this.#write(result, index);
    }
    if (terminator.kind === 'branch') this.#read(terminator.ins, index);
    if (terminator.kind === 'exit') this.#readRegister(0, index);
  }

  #read(ins: Ins, index: BlockIndex): void {
    const count = readRegisters(ins, this.#reads);
    for (let at = 0; at < count; at++) this.#readRegister(intAt(this.#reads, at), index);
  }

  #readRegister(register: Register, index: BlockIndex): void {
    if (this.#writtenIn[register] === index || this.#readIn[register] === index) return;
    this.#readIn[register] = index;
    this.#addToStart(index, register);
  }

  #write(register: Register, index: BlockIndex): void {
    if (this.#writtenIn[register] === index) return;
    this.#writtenIn[register] = index;
    this.#isWritten.add(index, register);
  }

  #addToStart(index: BlockIndex, register: Register): boolean {
    if (!this.#isAtStart.add(index, register)) return false;
    elementAt(this.#atStart, index).push(register);
    return true;
  }

  /** Follows what is live at the beginning of a block to where it is written. */
  follow(index: BlockIndex): void {
    // What comes to the list meanwhile is followed already.
    const { length } = elementAt(this.#atStart, index);
    for (let at = 0; at < length; at++) {
      const register = elementAt(this.liveAtStart(index), at);
      this.#pending.push(index);
      for (let block = this.#pending.pop(); block !== undefined; block = this.#pending.pop())
        this.#enterPredecessors(block, register);
    }
  }

  #enterPredecessors(index: BlockIndex, register: Register): void {
    for (const predecessor of elementAt(this.#predecessors, index)) {
      if (!this.#isAtEnd.add(predecessor, register)) continue;
      elementAt(this.#atEnd, predecessor).push(register);
      if (this.#isWritten.has(predecessor, register)) continue;
      if (this.#addToStart(predecessor, register)) this.#pending.push(predecessor);
    }
  }
}
