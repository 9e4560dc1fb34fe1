/**
 * Instructions of the optimizer's intermediate representation.
 *
 * A node is a BPF instruction whose register fields may be virtual registers, and which owns what else the
 * object records about it: its relocation, its CO-RE record, its source line. A pass that copies a node copies
 * all of that with it. Nodes are never changed: a pass makes new ones.
 */

import type { LineRecord } from '../../../btf/index.ts';
import {
  BPF_ADD,
  BPF_ALU64,
  BPF_K,
  BPF_MOV,
  BPF_X,
  type Insn,
  isAtomic,
  OP_CALL,
  OP_LD_IMM64,
  hasNoEffect as rawHasNoEffect,
  readsDst as rawReadsDst,
  readsSrc as rawReadsSrc,
  writtenRegister as rawWrittenRegister,
  readsR0,
} from '../../../isa/index.ts';
import type { CodeReference, CoreRecord } from '../../../object/index.ts';

/**
 * A register: 0 to 9 are those of the machine, 10 is the frame pointer, `FIRST_VIRTUAL` and above are virtual.
 * Virtual registers of a graph are numbered without gaps as far as possible: analyses use arrays by number.
 */
export type Register = number;
/** The frame pointer of the program. */
export const FRAME_POINTER: Register = 10;
/** Smallest number of a virtual register. */
export const FIRST_VIRTUAL: Register = 16;

/**
 * Pseudo-opcode: `dst = r10 + imm`. One instruction here, `mov64` and `add64` in code (only `mov64` for 0).
 * No other node than this, loads and stores with `r10` as base has the frame pointer as an operand.
 */
export const OP_FRAME_ADDRESS = 0x100;
/** `mov64 dst, src`. */
export const OP_MOVE = BPF_ALU64 | BPF_MOV | BPF_X;
/** `mov64 dst, imm`. */
export const OP_MOVE_NUMBER = BPF_ALU64 | BPF_MOV | BPF_K;
/** `add64 dst, imm`. */
export const OP_ADD_NUMBER = BPF_ALU64 | BPF_ADD | BPF_K;

/** An instruction. */
export interface Ins extends Insn {
  /** Second imm of `ld_imm64`; 0 in others. */
  readonly high: number;
  /** Of a call: how many of r1 to r5 it reads. 0 in others. */
  readonly args: number;
  /** Relocation; its `insnIndex` is not valid here. */
  readonly reference: CodeReference | null;
  /** CO-RE relocation; its `insnIndex` is not valid here. The value is not known before loading. */
  readonly core: CoreRecord | null;
  /** Source line; its `insnIndex` is not valid here. Null where the object has none. */
  readonly line: LineRecord | null;
}

/** `dst = src`, all 64 bits: what copies of pointers have to be for the verifier. */
export function move(dst: Register, src: Register, line: LineRecord | null): Ins {
  return {
    opcode: OP_MOVE,
    dst,
    src,
    offset: 0,
    imm: 0,
    high: 0,
    args: 0,
    reference: null,
    core: null,
    line,
  };
}

/**
 * The node with other fields. It is written out because nodes are made by the thousand: a spread of an object takes
 * several times as long, and gives nodes of another layout, which slows down every pass that looks at them.
 */
export function withFields(
  { opcode, imm, high, args, reference, core, line }: Ins,
  dst: Register,
  src: Register,
  offset: number,
): Ins {
  return { opcode, dst, src, offset, imm, high, args, reference, core, line };
}

/** A plain copy of a register, all 64 bits. */
export function isCopy(ins: Ins): boolean {
  return ins.opcode === OP_MOVE && ins.offset === 0;
}

/** What a node does with registers, as bits. */
export const READS_DST = 1;
export const READS_SRC = 2;
export const READS_R0 = 4;
const WRITES_DST = 8;
const WRITES_R0 = 16;
const WRITES_SRC = 32;
const HAS_NO_EFFECT = 64;
/** The opcode was asked for before. */
const IS_KNOWN = 128;

/** By opcode. Atomic operations are not in it: what they do depends on their number. */
const OPERANDS = new Uint8Array(OP_FRAME_ADDRESS + 1);

/** Which registers a node reads and writes: bits. Every pass asks for every node, so each opcode is decided once. */
export function operandsOf(ins: Ins): number {
  const known = OPERANDS[ins.opcode];
  return known === undefined || known === 0 ? findOperands(ins) : known;
}

function findOperands(ins: Ins): number {
  const { opcode } = ins;
  const found = opcode === OP_FRAME_ADDRESS ? WRITES_DST | HAS_NO_EFFECT : factsOf(ins);
  if (!isAtomic(opcode)) OPERANDS[opcode] = found | IS_KNOWN;
  return found;
}

function factsOf(ins: Ins): number {
  return readsOf(ins) | writesOf(ins) | (rawHasNoEffect(ins) ? HAS_NO_EFFECT : 0);
}

function readsOf(ins: Ins): number {
  return (
    (rawReadsDst(ins) ? READS_DST : 0) | (rawReadsSrc(ins) ? READS_SRC : 0) | (readsR0(ins) ? READS_R0 : 0)
  );
}

/** Which field names the register that is written: asked of an instruction with different ones. */
function writesOf(ins: Ins): number {
  switch (rawWrittenRegister({ ...ins, dst: 1, src: 2 })) {
    case 0:
      return WRITES_R0;
    case 1:
      return WRITES_DST;
    case 2:
      return WRITES_SRC;
    default:
      return 0;
  }
}

/** The register that is written, -1 for none. A call writes r0 and leaves r1 to r5 undefined. */
export function writtenRegister(ins: Ins): Register {
  const operands = operandsOf(ins);
  if ((operands & WRITES_DST) !== 0) return ins.dst;
  if ((operands & WRITES_R0) !== 0) return 0;
  return (operands & WRITES_SRC) !== 0 ? ins.src : -1;
}

/** Whether the register field `dst` is read. */
export function readsDst(ins: Ins): boolean {
  return (operandsOf(ins) & READS_DST) !== 0;
}

/** Whether the register field `src` is read. */
export function readsSrc(ins: Ins): boolean {
  return (operandsOf(ins) & READS_SRC) !== 0;
}

/** Whether leaving the node out changes nothing but its register. */
export function hasNoEffect(ins: Ins): boolean {
  return (operandsOf(ins) & HAS_NO_EFFECT) !== 0;
}

/** Whether `dst` is both read and written: arithmetic that is not a move. */
export function isTwoAddress(ins: Ins): boolean {
  return readsDst(ins) && writtenRegister(ins) === ins.dst;
}

/** Whether the node is a call of a helper, a kfunc or a function. */
export function isCall(ins: Ins): boolean {
  return ins.opcode === OP_CALL;
}

/** Slots that the instruction takes in code. */
export function slotsOf(ins: Ins): number {
  if (ins.opcode === OP_LD_IMM64) return 2;
  return ins.opcode === OP_FRAME_ADDRESS && ins.imm !== 0 ? 2 : 1;
}
