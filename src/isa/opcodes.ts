/**
 * The BPF instruction set, RFC 9669: encodings as named constants and accessors over raw bytes.
 *
 * One instruction is 8 bytes (`INSN_SIZE`); `ld_imm64` takes two slots. Positions are slot indexes
 * (`insnIndex`), never bytes, unless the name says so.
 *
 *   byte 0   1             2..3     4..7
 *   opcode   regs          offset   imm
 *            little endian: src << 4 | dst;  big endian: dst << 4 | src
 */

import type { ByteOrder } from '../bytes/index.ts';
import { INSN_SIZE } from '../uapi/index.ts';

/** Instruction class: the low three bits of the opcode. */
export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_JMP32 = 0x06;
export const BPF_ALU64 = 0x07;

/** Size of a memory access: bits 3 and 4. */
export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_DW = 0x18;

/** Mode of a memory access: the top three bits. */
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
export const BPF_MEMSX = 0x80;
export const BPF_ATOMIC = 0xc0;

/** Source of ALU and jump instructions: bit 3. */
export const BPF_K = 0x00;
export const BPF_X = 0x08;

/** ALU operations: the top four bits. */
export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_MOD = 0x90;
export const BPF_XOR = 0xa0;
export const BPF_MOV = 0xb0;
export const BPF_ARSH = 0xc0;
export const BPF_END = 0xd0;

/** Jump operations: the top four bits. */
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;
export const BPF_JNE = 0x50;
export const BPF_JSGT = 0x60;
export const BPF_JSGE = 0x70;
export const BPF_CALL = 0x80;
export const BPF_EXIT = 0x90;
export const BPF_JLT = 0xa0;
export const BPF_JLE = 0xb0;
export const BPF_JSLT = 0xc0;
export const BPF_JSLE = 0xd0;
/** may_goto, since Linux 6.9. */
export const BPF_JCOND = 0xe0;

/** Atomic operations, in the imm field; each may be or-ed with `BPF_FETCH`. */
export const BPF_FETCH = 0x01;
export const BPF_XCHG = 0xe1;
export const BPF_CMPXCHG = 0xf1;
export const BPF_LOAD_ACQ = 0x100;
export const BPF_STORE_REL = 0x110;

/** Whole opcodes that linking looks for. */
export const OP_LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW; // 0x18
export const OP_CALL = BPF_JMP | BPF_CALL; // 0x85
export const OP_CALLX = BPF_JMP | BPF_CALL | BPF_X; // 0x8d
export const OP_EXIT = BPF_JMP | BPF_EXIT; // 0x95
export const OP_JA = BPF_JMP | BPF_JA; // 0x05
export const OP_JCOND = BPF_JMP | BPF_JCOND; // 0xe5, `may_goto`
export const OP_JA32 = BPF_JMP32 | BPF_JA; // 0x06, `gotol`: the offset is in imm
export const OP_GOTOX = BPF_JMP | BPF_JA | BPF_X; // 0x0d, indirect jump

/** `src_reg` of a call instruction. 0 is a helper named by its number. */
export const BPF_PSEUDO_CALL = 1;
export const BPF_PSEUDO_KFUNC_CALL = 2;

/** `src_reg` of `ld_imm64`. 0 is a plain number. */
export const BPF_PSEUDO_MAP_FD = 1;
export const BPF_PSEUDO_MAP_VALUE = 2;
export const BPF_PSEUDO_BTF_ID = 3;
export const BPF_PSEUDO_FUNC = 4;
export const BPF_PSEUDO_MAP_IDX = 5;
export const BPF_PSEUDO_MAP_IDX_VALUE = 6;

/** One instruction slot, decoded. `imm` and `offset` are signed. */
export interface Insn {
  readonly opcode: number;
  readonly dst: number;
  readonly src: number;
  readonly offset: number;
  readonly imm: number;
}

/** Reads and changes instructions inside a code block without copying it. Indexes are slots. */
export class CodeView {
  readonly bytes: Uint8Array;
  readonly order: ByteOrder;
  /** Number of slots. */
  readonly length: number;
  readonly #view: DataView;
  readonly #little: boolean;

  constructor(bytes: Uint8Array, order: ByteOrder) {
    this.bytes = bytes;
    this.order = order;
    this.length = Math.floor(bytes.length / INSN_SIZE);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = order === 'little';
  }

  /** The first byte. */
  opcode(insnIndex: number): number {
    return this.#view.getUint8(insnIndex * INSN_SIZE);
  }

  /** Destination register, 0 to 10. */
  dst(insnIndex: number): number {
    const regs = this.#view.getUint8(insnIndex * INSN_SIZE + 1);
    return this.#little ? regs & 0xf : regs >> 4;
  }

  /** Source register, 0 to 10, or what `BPF_PSEUDO_…` it stands for. */
  src(insnIndex: number): number {
    const regs = this.#view.getUint8(insnIndex * INSN_SIZE + 1);
    return this.#little ? regs >> 4 : regs & 0xf;
  }

  /** The signed 16-bit field. */
  offset(insnIndex: number): number {
    return this.#view.getInt16(insnIndex * INSN_SIZE + 2, this.#little);
  }

  /** The signed 32-bit field. */
  imm(insnIndex: number): number {
    return this.#view.getInt32(insnIndex * INSN_SIZE + 4, this.#little);
  }

  /** All fields. */
  at(insnIndex: number): Insn {
    return {
      opcode: this.opcode(insnIndex),
      dst: this.dst(insnIndex),
      src: this.src(insnIndex),
      offset: this.offset(insnIndex),
      imm: this.imm(insnIndex),
    };
  }

  /** The 64-bit constant of the `ld_imm64` that starts at `insnIndex`. */
  imm64(insnIndex: number): bigint {
    const low = BigInt(this.#view.getUint32(insnIndex * INSN_SIZE + 4, this.#little));
    const high = BigInt(this.#view.getUint32((insnIndex + 1) * INSN_SIZE + 4, this.#little));
    return (high << 32n) | low;
  }

  /** Slots taken by the instruction at `insnIndex`: 2 for `ld_imm64`, else 1. */
  width(insnIndex: number): 1 | 2 {
    return this.opcode(insnIndex) === OP_LD_IMM64 ? 2 : 1;
  }

  /** Writes the signed 32-bit field. */
  setImm(insnIndex: number, imm: number): void {
    this.#view.setInt32(insnIndex * INSN_SIZE + 4, imm, this.#little);
  }

  /** Writes the signed 16-bit field. */
  setOffset(insnIndex: number, offset: number): void {
    this.#view.setInt16(insnIndex * INSN_SIZE + 2, offset, this.#little);
  }

  /** Writes the source register. */
  setSrc(insnIndex: number, src: number): void {
    const at = insnIndex * INSN_SIZE + 1;
    const dst = this.dst(insnIndex);
    this.#view.setUint8(at, this.#little ? (src << 4) | dst : (dst << 4) | src);
  }

  /** Writes all fields. */
  set(insnIndex: number, insn: Insn): void {
    const at = insnIndex * INSN_SIZE;
    this.#view.setUint8(at, insn.opcode);
    this.#view.setUint8(at + 1, this.#little ? (insn.src << 4) | insn.dst : (insn.dst << 4) | insn.src);
    this.#view.setInt16(at + 2, insn.offset, this.#little);
    this.#view.setInt32(at + 4, insn.imm, this.#little);
  }
}

/** `insns` as bytes. */
export function encodeInsns(insns: readonly Insn[], order: ByteOrder): Uint8Array {
  const bytes = new Uint8Array(insns.length * INSN_SIZE);
  const view = new CodeView(bytes, order);
  insns.forEach((insn, insnIndex) => {
    view.set(insnIndex, insn);
  });
  return bytes;
}
