/**
 * Random graphs, for tests: loops, branches, calls, atomic operations, values that meet, more values than registers.
 *
 * Every program ends, and reads only what was written on each path to it.
 */

import * as isa from '../../../isa/opcodes.ts';
import { Graph } from '../ir/graph.ts';
import { type Ins, move, OP_FRAME_ADDRESS, OP_MOVE_NUMBER, type Register } from '../ir/ins.ts';
import { node } from '../testing.ts';

/** Bytes of memory that the programs use. */
export const MEMORY_SIZE = 64;

/** Numbers from 0 to `below - 1`, the same for the same seed. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = (seed * 2654435761 + 1) >>> 0;
  return below => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A random program over `variables` virtual registers; without `calls` if it is to run where helpers are real. */
export function randomGraph(seed: number, variables: number, calls = true): Graph {
  return new Generator(randomNumbers(seed), variables, calls).program();
}

const OPERATIONS = [
  isa.BPF_ADD,
  isa.BPF_SUB,
  isa.BPF_MUL,
  isa.BPF_DIV,
  isa.BPF_OR,
  isa.BPF_AND,
  isa.BPF_LSH,
  isa.BPF_RSH,
  isa.BPF_MOD,
  isa.BPF_XOR,
  isa.BPF_ARSH,
];
const COMPARISONS = [
  isa.BPF_JEQ,
  isa.BPF_JNE,
  isa.BPF_JGT,
  isa.BPF_JSGE,
  isa.BPF_JLT,
  isa.BPF_JSLE,
  isa.BPF_JSET,
];
const SIZES = [isa.BPF_B, isa.BPF_H, isa.BPF_W, isa.BPF_DW];
const ATOMICS = [
  isa.BPF_ADD,
  isa.BPF_ADD | isa.BPF_FETCH,
  isa.BPF_XOR | isa.BPF_FETCH,
  isa.BPF_XCHG,
  isa.BPF_AND,
];

class Generator {
  readonly #random: (below: number) => number;
  readonly #graph = new Graph();
  readonly #variables: number;
  readonly #hasCalls: boolean;
  readonly #base: Register;
  readonly #first: Register;
  #at = 0;

  constructor(random: (below: number) => number, variables: number, hasCalls: boolean) {
    this.#random = random;
    this.#hasCalls = hasCalls;
    this.#variables = variables;
    this.#base = this.#graph.addRegisters(1);
    this.#first = this.#graph.addRegisters(variables);
    this.#graph.frame = 16;
  }

  program(): Graph {
    this.#graph.addBlock();
    this.#emit(move(this.#base, 1, null));
    for (let index = 0; index < this.#variables; index++) this.#emit(this.#definition(this.#first + index));
    this.#sequence(3, 2);
    this.#emit(move(0, this.#variable(), null));
    return this.#graph;
  }

  #emit(...nodes: readonly Ins[]): void {
    this.#graph.block(this.#at).ins.push(...nodes);
  }

  #variable(): Register {
    return this.#first + this.#random(this.#variables);
  }

  #definition(dst: Register): Ins {
    const kind = this.#random(4);
    if (kind === 0)
      return node({ opcode: isa.OP_LD_IMM64, dst, imm: this.#random(9), high: this.#random(9) });
    if (kind > 1) return node({ opcode: OP_MOVE_NUMBER, dst, imm: this.#random(100) - 50 });
    const size = SIZES[this.#random(4)] ?? isa.BPF_B;
    return node({
      opcode: isa.BPF_LDX | isa.BPF_MEM | size,
      dst,
      src: this.#base,
      offset: this.#random(7) * 8,
    });
  }

  #sequence(length: number, depth: number): void {
    for (let part = 0; part < length; part++) {
      for (let count = this.#random(7); count > 0; count--) this.#emit(...this.#statement());
      const kind = depth === 0 ? 0 : this.#random(3);
      if (kind === 1) this.#branch(depth - 1);
      if (kind === 2) this.#loop(depth - 1);
    }
  }

  #branch(depth: number): void {
    const from = this.#at;
    const ends = [0, 1].map(() => {
      this.#at = this.#graph.addBlock();
      const start = this.#at;
      this.#sequence(this.#random(3), depth);
      return { start, end: this.#at };
    });
    const join = this.#graph.addBlock();
    for (const { end } of ends) this.#graph.block(end).terminator = { kind: 'jump', target: join };
    const [taken, next] = ends.map(({ start }) => start);
    if (taken === undefined || next === undefined) throw new Error('two targets');
    this.#graph.block(from).terminator = { kind: 'branch', ins: this.#comparison(), taken, next };
    this.#at = join;
  }

  #comparison(): Ins {
    const operation = COMPARISONS[this.#random(COMPARISONS.length)] ?? isa.BPF_JEQ;
    const insnClass = this.#random(3) === 0 ? isa.BPF_JMP32 : isa.BPF_JMP;
    const dst = this.#variable();
    if (this.#random(2) === 0)
      return node({ opcode: insnClass | operation, dst, imm: this.#random(40) - 20 });
    return node({ opcode: insnClass | operation | isa.BPF_X, dst, src: this.#variable() });
  }

  /** Runs two or three times. */
  #loop(depth: number): void {
    const counter = this.#graph.addRegisters(1);
    this.#emit(node({ opcode: OP_MOVE_NUMBER, dst: counter, imm: 0 }));
    const header = this.#graph.addBlock();
    this.#graph.block(this.#at).terminator = { kind: 'jump', target: header };
    this.#at = header;
    this.#sequence(1 + this.#random(2), depth);
    this.#emit(node({ opcode: isa.BPF_ALU64 | isa.BPF_ADD, dst: counter, imm: 1 }));
    const after = this.#graph.addBlock();
    const ins = node({ opcode: isa.BPF_JMP | isa.BPF_JLT, dst: counter, imm: 2 + this.#random(2) });
    this.#graph.block(this.#at).terminator = { kind: 'branch', ins, taken: header, next: after };
    this.#at = after;
  }

  #statement(): readonly Ins[] {
    const dst = this.#variable();
    switch (this.#random(12)) {
      case 0:
        return [this.#definition(dst)];
      case 1:
      case 2:
        return [move(dst, this.#variable(), null)];
      case 3:
        return this.#hasCalls ? this.#call(dst) : [this.#arithmetic(dst)];
      case 4:
        return this.#atomic(dst);
      case 5:
        return [this.#store()];
      case 6:
        return this.#frame(dst);
      case 7:
        return [node({ opcode: isa.BPF_ALU | isa.BPF_MOV | isa.BPF_X, dst, src: this.#variable() })];
      default:
        return [this.#arithmetic(dst)];
    }
  }

  #arithmetic(dst: Register): Ins {
    const operation = OPERATIONS[this.#random(OPERATIONS.length)] ?? isa.BPF_ADD;
    const opcode = (this.#random(3) === 0 ? isa.BPF_ALU : isa.BPF_ALU64) | operation;
    if (this.#random(2) === 0) return node({ opcode: opcode | isa.BPF_X, dst, src: this.#variable() });
    return node({ opcode, dst, imm: 1 + this.#random(30) });
  }

  #call(dst: Register): readonly Ins[] {
    const args = this.#random(4);
    const moves = Array.from({ length: args }, (_, index) => move(index + 1, this.#variable(), null));
    return [...moves, node({ opcode: isa.OP_CALL, imm: 5, args }), move(dst, 0, null)];
  }

  #store(): Ins {
    const size = SIZES[this.#random(4)] ?? isa.BPF_B;
    const place = { dst: this.#base, offset: this.#random(7) * 8 };
    if (this.#random(3) === 0) return node({ opcode: isa.BPF_ST | isa.BPF_MEM | size, ...place, imm: 7 });
    return node({ opcode: isa.BPF_STX | isa.BPF_MEM | size, ...place, src: this.#variable() });
  }

  #atomic(value: Register): readonly Ins[] {
    const size = this.#random(2) === 0 ? isa.BPF_W : isa.BPF_DW;
    const opcode = isa.BPF_STX | isa.BPF_ATOMIC | size;
    const fields = { opcode, dst: this.#base, src: value, offset: this.#random(7) * 8 };
    if (this.#random(3) !== 0) return [node({ ...fields, imm: ATOMICS[this.#random(5)] ?? isa.BPF_ADD })];
    const expected = move(0, this.#variable(), null);
    return [expected, node({ ...fields, imm: isa.BPF_CMPXCHG }), move(value, 0, null)];
  }

  /** A value goes through the frame, by an address or by r10 itself. */
  #frame(dst: Register): readonly Ins[] {
    const address = this.#graph.addRegisters(1);
    const size = isa.BPF_MEM | isa.BPF_DW;
    return [
      node({ opcode: OP_FRAME_ADDRESS, dst: address, imm: -16 }),
      node({ opcode: isa.BPF_STX | size, dst: address, src: this.#variable(), offset: 8 }),
      node({ opcode: isa.BPF_LDX | size, dst, src: 10, offset: -8 }),
    ];
  }
}
