/**
 * The code of one function as blocks over machine registers: what every call of it is inlined from.
 *
 * Instructions become nodes that own their relocation, CO-RE record and source line. Apart from `lift.ts`, which
 * makes instances of it: a function is read once, however often it is inlined.
 */

import type { LineRecord, LineRecords } from '../../../btf/index.ts';
import { elementAt } from '../../../bytes/index.ts';
import {
  BPF_JCOND,
  BPF_JMP,
  CodeView,
  isBranch,
  isOpcode,
  OP_CALLX,
  OP_EXIT,
  OP_GOTOX,
  OP_JA,
  OP_JA32,
  OP_LD_IMM64,
  readsR6,
} from '../../../isa/index.ts';
import {
  type BpfObject,
  type CodeReference,
  type CoreRecord,
  type FunctionSymbol,
  referencesInOrder,
} from '../../../object/index.ts';
import type { Ins } from '../ir/index.ts';
import { type Block, Graph, type Terminator } from '../ir/index.ts';
import { Refusal } from '../model/index.ts';

const OUT_OF_CODE = 'a jump leads out of its code';
/** The fields of instructions have room for more than there are. */
const LAST_REGISTER = 10;

/** Nodes of a function in the order of its code. */
interface Nodes {
  readonly list: readonly Ins[];
  /** For each node, its slot; one entry more for the end. */
  readonly slots: readonly number[];
  /** For each slot, the node that starts there, else -1. */
  readonly nodeAt: Int32Array;
}

/**
 * The blocks of a function; block 0 is where it starts and may have predecessors. Throws `Refusal` for code that
 * cannot be part of another function.
 */
export function readFunction(object: BpfObject, symbol: FunctionSymbol): Graph {
  const nodes = readNodes(object, symbol);
  const graph = new Graph();
  const blockAt = numberBlocks(nodes);
  let start = 0;
  for (let end = 1; end <= nodes.list.length; end++) {
    if (end < nodes.list.length && blockAt[end] === -1) continue;
    graph.blocks.push(cutBlock(nodes, start, end, blockAt));
    start = end;
  }
  return graph;
}

// --- nodes ----------------------------------------------------------------------------------------------------

function readNodes(object: BpfObject, symbol: FunctionSymbol): Nodes {
  const code = new CodeView(symbol.code, object.byteOrder);
  const records = new RecordReader(symbol);
  const list: Ins[] = [];
  const slots: number[] = [];
  const nodeAt = new Int32Array(code.length + 1).fill(-1);
  for (let slot = 0; slot < code.length; slot += code.width(slot)) {
    nodeAt[slot] = list.length;
    slots.push(slot);
    const node = nodeOf(code, slot, records);
    if (node.dst > LAST_REGISTER || node.src > LAST_REGISTER)
      throw new Refusal('it has a register that does not exist');
    list.push(node);
  }
  slots.push(code.length);
  return { list, slots, nodeAt };
}

function nodeOf(code: CodeView, slot: number, records: RecordReader): Ins {
  const opcode = code.opcode(slot);
  return {
    opcode,
    dst: code.dst(slot),
    src: code.src(slot),
    offset: code.offset(slot),
    imm: code.imm(slot),
    high: opcode === OP_LD_IMM64 && slot + 1 < code.length ? code.imm(slot + 1) : 0,
    args: 0,
    reference: records.referenceAt(slot),
    core: records.coreAt(slot),
    line: records.lineAt(slot),
  };
}

/** What a function records about its slots, asked for in ascending order. */
class RecordReader {
  readonly #references: readonly CodeReference[];
  readonly #cores: readonly CoreRecord[];
  readonly #lines: LineRecords;
  #nextReference = 0;
  #nextCore = 0;
  #nextLine: number;
  #line: LineRecord | null = null;
  #following: LineRecord | undefined;

  constructor(symbol: FunctionSymbol) {
    this.#references = referencesInOrder(symbol);
    this.#cores = symbol.coreRecords;
    this.#lines = symbol.lines;
    this.#following = symbol.lines.at(0);
    this.#nextLine = 1;
  }

  referenceAt(slot: number): CodeReference | null {
    const found = this.#references[this.#nextReference];
    if (found?.insnIndex !== slot) return null;
    this.#nextReference++;
    return found;
  }

  coreAt(slot: number): CoreRecord | null {
    const found = this.#cores[this.#nextCore];
    if (found?.insnIndex !== slot) return null;
    this.#nextCore++;
    return found;
  }

  /** The last record at or before the slot. */
  lineAt(slot: number): LineRecord | null {
    while (this.#following !== undefined && this.#following.insnIndex <= slot) {
      this.#line = this.#following;
      this.#following = this.#lines.at(this.#nextLine++);
    }
    return this.#line;
  }
}

// --- blocks ---------------------------------------------------------------------------------------------------

/** For each node: the number of the block that starts with it, else -1. */
function numberBlocks({ list, slots, nodeAt }: Nodes): Int32Array {
  const blockAt = new Int32Array(list.length + 1).fill(-1);
  const start = (node: number): void => {
    blockAt[node] = 0;
  };
  start(0);
  list.forEach((ins, at) => {
    const target = targetOf(ins, elementAt(slots, at));
    if (target === null) return;
    if (target >= 0) start(nodeIn(nodeAt, target));
    start(at + 1);
  });
  let count = 0;
  for (let node = 0; node < list.length; node++) if (blockAt[node] === 0) blockAt[node] = count++;
  blockAt[list.length] = -1;
  return blockAt;
}

/** Slot that a jump leads to, -1 for an exit; null for an instruction that goes on to the next. */
function targetOf(ins: Ins, slot: number): number | null {
  if (ins.opcode === OP_EXIT) return -1;
  if (ins.opcode === OP_JA32) return inCode(slot + 1 + ins.imm);
  if (ins.opcode === OP_JA || isBranch(ins.opcode)) return inCode(slot + 1 + ins.offset);
  const reason = unsupported(ins);
  if (reason !== null) throw new Refusal(reason);
  return null;
}

/** The slot, unless it is before the first one: negative ones stand for exits. */
function inCode(slot: number): number {
  if (slot < 0) throw new Refusal(OUT_OF_CODE);
  return slot;
}

function nodeIn(nodeAt: Int32Array, slot: number): number {
  const node = nodeAt[slot];
  if (node === undefined || node < 0) throw new Refusal(OUT_OF_CODE);
  return node;
}

/** Why a function with the instruction cannot be joined with another; null where it can. */
function unsupported(ins: Ins): string | null {
  const { opcode } = ins;
  if (opcode === OP_CALLX) return 'it calls through a register (callx)';
  if (opcode === OP_GOTOX) return 'it jumps through a table (gotox)';
  if (opcode === (BPF_JMP | BPF_JCOND)) return 'it uses may_goto, which counts in a stack slot of its own';
  if (readsR6(ins)) return 'it reads the packet with LD_ABS or LD_IND, which end the program';
  return isOpcode(opcode) ? null : 'it has an instruction that is not known';
}

function cutBlock({ list, slots, nodeAt }: Nodes, start: number, end: number, blockAt: Int32Array): Block {
  const blockOf = (node: number): number => {
    const block = blockAt[node];
    if (block === undefined || block < 0) throw new Refusal('its code runs past its end');
    return block;
  };
  const ins = list.slice(start, end);
  const last = elementAt(list, end - 1);
  const target = targetOf(last, elementAt(slots, end - 1));
  if (target === null) return { ins, terminator: { kind: 'jump', target: blockOf(end) } };
  ins.pop();
  const taken = target < 0 ? -1 : blockOf(nodeIn(nodeAt, target));
  return { ins, terminator: terminatorOf(last, taken, () => blockOf(end)) };
}

function terminatorOf(last: Ins, taken: number, next: () => number): Terminator {
  if (last.opcode === OP_EXIT) return { kind: 'exit', line: last.line };
  if (!isBranch(last.opcode)) return { kind: 'jump', target: taken };
  return { kind: 'branch', ins: last, taken, next: next() };
}
