/**
 * The interference graph: which registers cannot share one of the machine.
 *
 * Nodes are registers by number: 0 to 9 are those of the machine, which are coloured already and of which only the
 * matrix knows the neighbours. A register interferes with all that are live after an instruction that writes it,
 * except for the source of a copy.
 */

import { elementAt } from '../../../bytes/index.ts';
import { isAtomic } from '../../../isa/index.ts';
import {
  BitRows,
  intAt,
  LAST_CLOBBERED,
  type Liveness,
  LiveSet,
  livenessOf,
  MAX_READS,
  readRegisters,
} from '../analysis/index.ts';
import type { Block, BlockIndex, Graph } from '../ir/index.ts';
import {
  FIRST_VIRTUAL,
  FRAME_POINTER,
  type Ins,
  isCall,
  isCopy,
  type Register,
  writtenRegister,
} from '../ir/index.ts';

/** Registers of the machine that values can be in: r0 to r9. */
export const COLOURS = 10;

/** `dst = src`, by their numbers before colouring. */
export interface Copy {
  readonly dst: Register;
  readonly src: Register;
}

/** Registers, which of them interfere, and copies between them. */
export class Interference {
  readonly size: number;
  readonly copies: Copy[] = [];
  /** Neighbours of virtual registers. */
  readonly neighbours: Register[][] = [];
  /** How many neighbours a virtual register has; merged ones count once. */
  readonly degree: Int32Array;
  readonly #matrix: BitRows;

  constructor(size: number) {
    this.size = size;
    this.degree = new Int32Array(size);
    this.#matrix = new BitRows(size, size);
    for (let register = 0; register < size; register++) this.neighbours.push([]);
  }

  interferes(a: Register, b: Register): boolean {
    return this.#matrix.has(a, b);
  }

  neighboursOf(register: Register): readonly Register[] {
    return elementAt(this.neighbours, register);
  }

  /** Two registers cannot be the same. */
  add(a: Register, b: Register): void {
    if (a === b || !this.#matrix.add(a, b)) return;
    this.#matrix.add(b, a);
    if (a >= FIRST_VIRTUAL) this.#append(a, b);
    if (b >= FIRST_VIRTUAL) this.#append(b, a);
  }

  /** `register` interferes with `kept` in the place of a register that was merged into that. */
  replaceNeighbour(register: Register, kept: Register): void {
    this.#matrix.add(register, kept);
    this.#matrix.add(kept, register);
    if (register >= FIRST_VIRTUAL) elementAt(this.neighbours, register).push(kept);
    if (kept >= FIRST_VIRTUAL) this.#append(kept, register);
  }

  #append(register: Register, neighbour: Register): void {
    elementAt(this.neighbours, register).push(neighbour);
    this.degree[register] = intAt(this.degree, register) + 1;
  }
}

/** The interference graph of a program. */
export function interferenceOf(graph: Graph, liveness: Liveness = livenessOf(graph)): Interference {
  const interference = new Interference(graph.registers);
  const walk = new Walk(interference);
  for (const index of liveness.order) walk.block(graph.block(index), index, liveness);
  return interference;
}

/** Goes through a block from its end, with what is live. */
class Walk {
  readonly #interference: Interference;
  readonly #live: LiveSet;
  readonly #reads = new Int32Array(MAX_READS);

  constructor(interference: Interference) {
    this.#interference = interference;
    this.#live = new LiveSet(interference.size);
  }

  block({ ins, terminator }: Block, index: BlockIndex, liveness: Liveness): void {
    this.#live.set(liveness.liveAtEnd(index));
    if (terminator.kind === 'exit') this.#live.add(0);
    if (terminator.kind === 'branch') this.#read(terminator.ins);
    for (let at = ins.length - 1; at >= 0; at--) this.#node(elementAt(ins, at));
  }

  #node(ins: Ins): void {
    const copied = isCopy(ins) ? ins.src : FRAME_POINTER;
    const written = writtenRegister(ins);
    if (copied !== FRAME_POINTER) this.#interference.copies.push({ dst: ins.dst, src: ins.src });
    if (isCall(ins)) for (let lost = 1; lost <= LAST_CLOBBERED; lost++) this.#write(lost, FRAME_POINTER);
    if (written >= 0) this.#write(written, copied);
    if (isCall(ins)) for (let lost = 1; lost <= LAST_CLOBBERED; lost++) this.#live.delete(lost);
    if (written >= 0) this.#live.delete(written);
    this.#read(ins);
    if (written >= 0 && isAtomic(ins.opcode)) this.#keepOperands(ins, written);
  }

  /** `register` is written: it meets what is live afterwards, but for what it is a copy of. */
  #write(register: Register, copied: Register): void {
    const { registers, size } = this.#live;
    for (let at = 0; at < size; at++) {
      const other = intAt(registers, at);
      if (other !== copied) this.#interference.add(register, other);
    }
  }

  #read(ins: Ins): void {
    const count = readRegisters(ins, this.#reads);
    for (let at = 0; at < count; at++) this.#live.add(intAt(this.#reads, at));
  }

  /** What an atomic operation overwrites is neither its address nor its other operand. */
  #keepOperands(ins: Ins, written: Register): void {
    const count = readRegisters(ins, this.#reads);
    for (let at = 0; at < count; at++) this.#interference.add(written, intAt(this.#reads, at));
  }
}
