/**
 * Which registers hold one type of pointer (or none) wherever they are read.
 *
 * Certain are registers with one definition, apart from arithmetic on them, which makes the same type on every path: a
 * number, an address, a parameter or result of a call, a copy of a register that is certain, a load of up to 4 bytes
 * from one. A load of 8 bytes may find any pointer that was stored there.
 */

import { BPF_DW, BPF_LDX, hasSourceRegister, isMove, OP_LD_IMM64 } from '../../../isa/index.ts';
import type { BlockIndex, Graph } from '../ir/index.ts';
import {
  FIRST_VIRTUAL,
  FRAME_POINTER,
  type Ins,
  isTwoAddress,
  OP_FRAME_ADDRESS,
  type Register,
  readsSrc,
  writtenRegister,
} from '../ir/index.ts';

const CLASS = 0x07;
const SIZE = 0x18;
const UNKNOWN = 0;
const CERTAIN = 1;
/** Also while the definition is looked at: a register that depends on itself is not certain. */
const UNCERTAIN = 2;

const NO_NODES: readonly Ins[] = [];

export class PointerTypes {
  /** By virtual register. */
  readonly #definitions: (Ins[] | undefined)[] = [];
  readonly #known: Uint8Array;

  constructor(graph: Graph, order: readonly BlockIndex[]) {
    this.#known = new Uint8Array(graph.registers);
    for (const index of order)
      for (const ins of graph.block(index).ins) {
        const written = writtenRegister(ins);
        if (written >= FIRST_VIRTUAL) this.#define(written, ins);
      }
  }

  #define(register: Register, ins: Ins): void {
    const definitions = this.#definitions[register];
    if (definitions === undefined) this.#definitions[register] = [ins];
    else definitions.push(ins);
  }

  /** Whether the register has one type. Registers of the machine have many. */
  isCertain(register: Register): boolean {
    if (register < FIRST_VIRTUAL) return register === FRAME_POINTER;
    if (this.#known[register] === UNKNOWN) {
      this.#known[register] = UNCERTAIN;
      if (this.#hasOneType(register)) this.#known[register] = CERTAIN;
    }
    return this.#known[register] === CERTAIN;
  }

  #hasOneType(register: Register): boolean {
    let origins = 0;
    for (const ins of this.#definitions[register] ?? NO_NODES) {
      const isChange = isTwoAddress(ins);
      if (!isChange) origins++;
      const isKept = isChange ? this.#keepsType(ins) : this.#makesOneType(ins);
      if (!isKept) return false;
    }
    return origins === 1;
  }

  /** Arithmetic: adding a pointer to a number makes a pointer. */
  #keepsType(ins: Ins): boolean {
    return !readsSrc(ins) || this.isCertain(ins.src);
  }

  #makesOneType(ins: Ins): boolean {
    const { opcode, src } = ins;
    if (opcode === OP_FRAME_ADDRESS || opcode === OP_LD_IMM64) return true;
    if (isMove(opcode)) return !hasSourceRegister(opcode) || src < FRAME_POINTER || this.isCertain(src);
    return (opcode & CLASS) === BPF_LDX && (opcode & SIZE) !== BPF_DW && this.isCertain(src);
  }
}
