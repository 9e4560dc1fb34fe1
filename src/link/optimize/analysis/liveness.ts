/**
 * Which registers are live where blocks begin and end.
 *
 * Bit rows and a worklist in postorder: a block is visited again only when what is live at the beginning of one
 * of its successors has changed.
 */

import { elementAt } from '../../../bytes/index.ts';
import { predecessorsOf } from '../../../isa/index.ts';
import type { Block, BlockIndex, Graph } from '../ir/index.ts';
import { type Ins, isCall, writtenRegister } from '../ir/index.ts';
import { BitRows, intAt } from './integers.ts';
import { LAST_CLOBBERED, MAX_READS, readRegisters } from './reads.ts';

/** Rows are blocks, columns are registers. Without the frame pointer. */
export interface Liveness {
  /** Blocks that are reached, in reverse postorder. */
  readonly order: readonly BlockIndex[];
  readonly atStart: BitRows;
  readonly atEnd: BitRows;
}

/** Liveness of all registers of a graph. */
export function livenessOf(graph: Graph): Liveness {
  const order = graph.order();
  const count = graph.blocks.length;
  const atStart = new BitRows(count, graph.registers);
  const atEnd = new BitRows(count, graph.registers);
  const written = new BitRows(count, graph.registers);
  const reads = new Int32Array(MAX_READS);
  for (const index of order) summarise(graph.block(index), index, atStart, written, reads);
  propagate(graph, order, atStart, atEnd, written);
  return { order, atStart, atEnd };
}

/** What a block reads before it writes it, and what it writes. */
function summarise(
  { ins, terminator }: Block,
  row: number,
  read: BitRows,
  written: BitRows,
  reads: Int32Array,
): void {
  for (const each of ins) {
    addReads(each, row, read, written, reads);
    if (isCall(each)) for (let lost = 1; lost <= LAST_CLOBBERED; lost++) written.add(row, lost);
    const result = writtenRegister(each);
    if (result >= 0) written.add(row, result);
  }
  if (terminator.kind === 'branch') addReads(terminator.ins, row, read, written, reads);
  if (terminator.kind === 'exit' && !written.has(row, 0)) read.add(row, 0);
}

function addReads(ins: Ins, row: number, read: BitRows, written: BitRows, reads: Int32Array): void {
  const count = readRegisters(ins, reads);
  for (let at = 0; at < count; at++) {
    const register = intAt(reads, at);
    if (!written.has(row, register)) read.add(row, register);
  }
}

function propagate(
  graph: Graph,
  order: readonly BlockIndex[],
  atStart: BitRows,
  atEnd: BitRows,
  written: BitRows,
): void {
  const predecessors = predecessorsOf(graph.blocks.length, order, index => graph.successors(index));
  const isPending = new Uint8Array(graph.blocks.length).fill(1);
  for (let again = true; again; ) {
    again = false;
    for (let at = order.length - 1; at >= 0; at--) {
      const block = elementAt(order, at);
      if (isPending[block] !== 1) continue;
      isPending[block] = 0;
      for (const successor of graph.successors(block)) atEnd.addRow(block, atStart, successor);
      const changed = atStart.addRowWithout(block, atEnd, block, written);
      // At first every block is pending: later visits are only those that a change asks for.
      if (!changed) continue;
      for (const predecessor of elementAt(predecessors, block)) isPending[predecessor] = 1;
      again = true;
    }
  }
}
