/**
 * Code of a coloured graph: blocks in a line, jumps between them, bytes, and the records of each instruction.
 *
 * Fall through where possible; a branch is inverted for it. A jump that 16 bits do not reach becomes `gotol`, where
 * the object's instruction set has it (version 4).
 */

import type { ByteOrder } from '../../../bytes/index.ts';
import { encodeInsns, type Insn, invertedBranch, OP_EXIT, OP_JA, OP_LD_IMM64 } from '../../../isa/index.ts';
import type { CodeReference, CoreRecord, FunctionSymbol } from '../../../object/index.ts';
import {
  type BlockIndex,
  FRAME_POINTER,
  type Graph,
  type Ins,
  move,
  OP_ADD_NUMBER,
  OP_FRAME_ADDRESS,
  type Terminator,
} from '../ir/index.ts';
import { LineWriter } from './line-writer.ts';
import { type Item, reach } from './reach.ts';

/** What lowering gives: the parts of a function that depend on its code. */
export type LoweredCode = Pick<FunctionSymbol, 'code' | 'references' | 'coreRecords' | 'lines'>;

/**
 * Lowers a graph over machine registers. `hasLongJumps`: whether `gotol` may be used. Throws `Refusal` where a jump
 * does not reach its target.
 */
export function lower(graph: Graph, byteOrder: ByteOrder, hasLongJumps: boolean): LoweredCode {
  const { items, starts } = placeItems(graph, placeBlocks(graph));
  return encode(reach(items, starts, hasLongJumps), byteOrder);
}

// --- order of blocks ----------------------------------------------------------------------------------------------

/** Reached blocks, each followed by one that it leads to where that is possible. */
function placeBlocks(graph: Graph): BlockIndex[] {
  const isPlaced = new Uint8Array(graph.blocks.length);
  const placed: BlockIndex[] = [];
  for (const start of graph.order()) {
    for (let at = start; at >= 0 && isPlaced[at] === 0; at = following(graph, at, isPlaced)) {
      isPlaced[at] = 1;
      placed.push(at);
    }
  }
  return placed;
}

/** The block to place after `at`, -1 for none. */
function following(graph: Graph, at: BlockIndex, isPlaced: Uint8Array): BlockIndex {
  const { terminator } = graph.block(at);
  if (terminator.kind === 'exit') return -1;
  if (terminator.kind === 'jump') return terminator.target;
  return isPlaced[terminator.next] === 0 ? terminator.next : terminator.taken;
}

// --- instructions -------------------------------------------------------------------------------------------------

interface Items {
  readonly items: readonly Item[];
  /** For each block, its first item. */
  readonly starts: Int32Array;
}

function placeItems(graph: Graph, placed: readonly BlockIndex[]): Items {
  const items: Item[] = [];
  const starts = new Int32Array(graph.blocks.length).fill(-1);
  placed.forEach((at, position) => {
    const { ins, terminator } = graph.block(at);
    starts[at] = items.length;
    for (const one of ins) pushItem(one, items);
    pushTerminator(terminator, placed[position + 1] ?? -1, items);
  });
  return { items, starts };
}

function pushItem(ins: Ins, items: Item[]): void {
  if (ins.opcode !== OP_FRAME_ADDRESS) {
    items.push({ ins, target: -1 });
    return;
  }
  items.push({ ins: move(ins.dst, FRAME_POINTER, ins.line), target: -1 });
  if (ins.imm === 0) return;
  items.push({ ins: { ...move(ins.dst, 0, ins.line), opcode: OP_ADD_NUMBER, imm: ins.imm }, target: -1 });
}

/** `next`: the block that follows in code. */
function pushTerminator(terminator: Terminator, next: BlockIndex, items: Item[]): void {
  if (terminator.kind === 'exit') {
    items.push({ ins: plain(OP_EXIT, terminator.line), target: -1 });
    return;
  }
  if (terminator.kind === 'jump') {
    pushJump(terminator.target, next, items);
    return;
  }
  const { ins, taken } = terminator;
  const inverse = taken === next ? invertedBranch(ins.opcode) : undefined;
  if (inverse !== undefined) items.push({ ins: { ...ins, opcode: inverse }, target: terminator.next });
  else {
    items.push({ ins, target: taken });
    pushJump(terminator.next, next, items);
  }
}

function pushJump(target: BlockIndex, next: BlockIndex, items: Item[]): void {
  if (target !== next) items.push({ ins: plain(OP_JA, items.at(-1)?.ins.line ?? null), target });
}

function plain(opcode: number, line: Ins['line']): Ins {
  return { ...move(0, 0, line), opcode };
}

// --- bytes --------------------------------------------------------------------------------------------------------

function encode(items: readonly Ins[], byteOrder: ByteOrder): LoweredCode {
  const insns: Insn[] = [];
  const references: CodeReference[] = [];
  const coreRecords: CoreRecord[] = [];
  const lines = new LineWriter();
  for (const ins of items) {
    const insnIndex = insns.length;
    if (ins.reference !== null) references.push({ ...ins.reference, insnIndex });
    if (ins.core !== null) coreRecords.push({ ...ins.core, insnIndex });
    lines.add(insnIndex, ins.line);
    insns.push(ins);
    if (ins.opcode === OP_LD_IMM64) insns.push({ opcode: 0, dst: 0, src: 0, offset: 0, imm: ins.high });
  }
  return { code: encodeInsns(insns, byteOrder), references, coreRecords, lines: lines.records() };
}
