/**
 * Random programs over a context and a packet, for tests: they repeat few fields, offsets and constants, so that much
 * of what they compute is known already, or almost. A verifier would accept them.
 */

import * as isa from '../../../../isa/opcodes.ts';
import { SK_BUFF_FIELD, XDP_MD_FIELD } from '../../../../uapi/index.ts';
import { type BlockIndex, Graph } from '../../ir/graph.ts';
import {
  FRAME_POINTER,
  type Ins,
  move,
  OP_FRAME_ADDRESS,
  OP_MOVE_NUMBER,
  type Register,
} from '../../ir/ins.ts';
import { randomNumbers } from '../../registers/testing.ts';
import { node } from '../../testing.ts';
import type { ContextKind } from '../fields.ts';
import { BPF_GET_PRANDOM, BPF_MAP_LOOKUP_ELEM, BPF_XDP_ADJUST_HEAD, type Input } from '../testing.ts';

const SIZES = [isa.BPF_B, isa.BPF_H, isa.BPF_W, isa.BPF_DW];
const LENGTHS = [14, 20, 34];
const OFFSETS = [0, 4, 8, 12];
const CONSTANTS = [0, 1, 2, 8, 255, -1, -2];
const OPERATIONS = [
  isa.BPF_ADD,
  isa.BPF_AND,
  isa.BPF_OR,
  isa.BPF_XOR,
  isa.BPF_SUB,
  isa.BPF_LSH,
  isa.BPF_RSH,
  isa.BPF_MUL,
  isa.BPF_ARSH,
];
const COMPARISONS = [
  isa.BPF_JEQ,
  isa.BPF_JNE,
  isa.BPF_JEQ,
  isa.BPF_JNE,
  isa.BPF_JGT,
  isa.BPF_JGE,
  isa.BPF_JLT,
  isa.BPF_JLE,
  isa.BPF_JSGT,
  isa.BPF_JSGE,
  isa.BPF_JSLT,
  isa.BPF_JSLE,
  isa.BPF_JSET,
];
/** Operation, whether the end is the first operand, whether the check is taken where the bytes are there. */
const CHECKS = [
  [isa.BPF_JGT, false, false],
  [isa.BPF_JGT, false, false],
  [isa.BPF_JLE, false, true],
  [isa.BPF_JGE, false, false],
  [isa.BPF_JLT, false, true],
  [isa.BPF_JLT, true, false],
  [isa.BPF_JGE, true, true],
  [isa.BPF_JLE, true, false],
  [isa.BPF_JGT, true, true],
] as const;
const VARIABLES = 5;

/** Bytes after a packet pointer that may be accessed, unless the packet moved since. */
interface Checked {
  readonly register: Register;
  readonly end: Register;
  readonly bytes: number;
  readonly epoch: number;
}

/** A random program. */
export function randomProgram(seed: number, context: ContextKind): Graph {
  return new Generator(randomNumbers(seed), context).program();
}

/** What a program gets; packets of all lengths around those that are checked. */
export function randomInput(seed: number, context: ContextKind): Input {
  const random = randomNumbers(seed);
  const byte = (): number => [0, 1, 2, 8, 8, 255, random(256)][random(7)] ?? 0;
  const packet = Uint8Array.from({ length: [10, 14, 18, 20, 21, 34, 35, 60][random(8)] ?? 0 }, byte);
  const offsets =
    context === 'xdp'
      ? [XDP_MD_FIELD.ingress_ifindex, XDP_MD_FIELD.rx_queue_index]
      : [SK_BUFF_FIELD.mark, SK_BUFF_FIELD.priority];
  return {
    context,
    packet,
    fields: new Map(offsets.map(offset => [offset, byte()])),
    isModern: random(2) === 1,
  };
}

class Generator {
  readonly #random: (below: number) => number;
  readonly #kind: ContextKind;
  readonly #graph = new Graph();
  readonly #context: Register;
  readonly #sum: Register;
  readonly #variables: Register;
  #block: BlockIndex;
  #checked: Checked[] = [];
  #epoch = 0;
  #room = 60;

  constructor(random: (below: number) => number, kind: ContextKind) {
    this.#random = random;
    this.#kind = kind;
    this.#context = this.#graph.addRegisters(1);
    this.#sum = this.#graph.addRegisters(1);
    this.#variables = this.#graph.addRegisters(VARIABLES);
    this.#block = this.#graph.addBlock();
  }

  program(): Graph {
    this.#graph.frame = 16;
    this.#emit(move(this.#context, 1, null));
    for (let i = -1; i < VARIABLES; i++) this.#set(this.#variables + i, this.#pick(CONSTANTS));
    this.#emit(
      node({ opcode: isa.BPF_ST | isa.BPF_MEM | isa.BPF_DW, dst: FRAME_POINTER, offset: -8, imm: 3 }),
    );
    const members = 2 + this.#random(3);
    for (let i = 0; i < members; i++) {
      this.#checked = [];
      this.#statements(5, 0);
    }
    this.#leave();
    return this.#graph;
  }

  #pick<T>(list: readonly T[]): T {
    const item = list[this.#random(list.length)];
    if (item === undefined) throw new Error('nothing to choose from');
    return item;
  }

  #emit(ins: Ins): void {
    this.#graph.block(this.#block).ins.push(ins);
  }

  #set(dst: Register, imm: number): void {
    this.#emit(node({ opcode: OP_MOVE_NUMBER, dst, imm }));
  }

  #variable(): Register {
    return this.#variables + this.#random(VARIABLES);
  }

  #leave(): void {
    this.#emit(move(0, this.#sum, null));
    this.#graph.block(this.#block).terminator = { kind: 'exit', line: null };
  }

  #statements(count: number, depth: number): void {
    for (let i = 0; i < count; i++) this.#statement(depth);
  }

  #statement(depth: number): void {
    const simple = [
      this.#field,
      this.#fromPacket,
      this.#fromPacket,
      this.#operate,
      this.#operate,
      this.#mix,
      this.#mix,
      this.#frame,
      this.#toMemory,
    ];
    const nested = [
      this.#if,
      this.#if,
      this.#if,
      this.#check,
      this.#check,
      this.#check,
      this.#add,
      this.#loop,
      this.#call,
      this.#exitIf,
    ];
    if (this.#room-- <= 0 || depth > 3) this.#mix();
    else this.#pick(this.#random(2) === 0 ? simple : nested).call(this, depth + 1);
  }

  /** Adds a variable to the result. */
  #mix(): void {
    this.#emit(node({ opcode: isa.BPF_ALU64 | isa.BPF_MUL, dst: this.#sum, imm: 31 }));
    this.#emit(
      node({ opcode: isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_X, dst: this.#sum, src: this.#variable() }),
    );
  }

  #load(dst: Register, src: Register, offset: number, size: number): void {
    this.#emit(node({ opcode: isa.BPF_LDX | isa.BPF_MEM | size, dst, src, offset }));
  }

  #field(): void {
    const offsets =
      this.#kind === 'xdp'
        ? [XDP_MD_FIELD.ingress_ifindex, XDP_MD_FIELD.rx_queue_index]
        : [SK_BUFF_FIELD.mark, SK_BUFF_FIELD.priority];
    const offset = this.#pick(offsets);
    if (this.#kind === 'skb' && this.#random(4) === 0) {
      const opcode = isa.BPF_STX | isa.BPF_MEM | isa.BPF_W;
      this.#emit(node({ opcode, dst: this.#context, src: this.#variable(), offset: SK_BUFF_FIELD.mark }));
    } else this.#load(this.#variable(), this.#context, offset, isa.BPF_W);
  }

  #usable(): Checked[] {
    return this.#checked.filter(({ epoch }) => epoch === this.#epoch);
  }

  #fromPacket(): void {
    const usable = this.#usable();
    if (usable.length === 0) {
      this.#field();
      return;
    }
    const { register, bytes } = this.#pick(usable);
    const size = this.#pick(SIZES);
    const offset = this.#pick(OFFSETS.filter(each => each + 8 <= bytes));
    if (this.#random(4) > 0) this.#load(this.#variable(), register, offset, size);
    else
      this.#emit(
        node({ opcode: isa.BPF_STX | isa.BPF_MEM | size, dst: register, src: this.#variable(), offset }),
      );
  }

  #operate(): void {
    const isWide = this.#random(2) === 0;
    const insnClass = isWide ? isa.BPF_ALU64 : isa.BPF_ALU;
    const dst = this.#variable();
    const src = this.#variable();
    const choice = this.#random(6);
    if (choice === 0) this.#emit(node({ opcode: insnClass | isa.BPF_MOV | isa.BPF_X, dst, src }));
    else if (choice === 1) this.#set(dst, this.#pick(CONSTANTS));
    else if (choice === 2)
      this.#emit(
        node({ opcode: insnClass | isa.BPF_MOV | isa.BPF_X, dst, src, offset: this.#pick([8, 16]) }),
      );
    else if (choice === 3) this.#emit(node({ opcode: isa.BPF_ALU | isa.BPF_END | isa.BPF_X, dst, imm: 16 }));
    else if (choice === 4)
      this.#emit(node({ opcode: insnClass | this.#pick(OPERATIONS) | isa.BPF_X, dst, src }));
    else
      this.#emit(node({ opcode: insnClass | this.#pick(OPERATIONS), dst, imm: this.#pick([1, 4, 8, 15]) }));
  }

  #frame(): void {
    const fields = { dst: FRAME_POINTER, offset: -8 };
    if (this.#random(2) === 0)
      this.#emit(node({ opcode: isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, src: this.#variable(), ...fields }));
    else this.#load(this.#variable(), FRAME_POINTER, -8, this.#pick([isa.BPF_W, isa.BPF_DW]));
  }

  /** Through a map value, a frame address, or an atomic operation. */
  #toMemory(): void {
    const address = this.#graph.addRegisters(1);
    const isMap = this.#random(2) === 0;
    const reference = { insnIndex: 0, kind: 'address', symbol: 1, addend: 0 } as const;
    if (isMap) this.#emit(node({ opcode: isa.OP_LD_IMM64, dst: address, reference }));
    else this.#emit(node({ opcode: OP_FRAME_ADDRESS, dst: address, imm: -8 }));
    const variable = this.#variable();
    if (this.#random(3) === 0) {
      const opcode = isa.BPF_STX | isa.BPF_ATOMIC | isa.BPF_DW;
      this.#emit(node({ opcode, dst: address, src: variable, imm: isa.BPF_ADD | isa.BPF_FETCH }));
    } else if (this.#random(2) === 0) this.#load(variable, address, 0, isa.BPF_W);
    else this.#emit(node({ opcode: isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, dst: address, src: variable }));
  }

  #comparison(): Ins {
    const insnClass = this.#random(2) === 0 ? isa.BPF_JMP : isa.BPF_JMP32;
    const opcode = insnClass | this.#pick(COMPARISONS);
    const dst = this.#variable();
    return this.#random(4) === 0
      ? node({ opcode: opcode | isa.BPF_X, dst, src: this.#variable() })
      : node({ opcode, dst, imm: this.#pick(CONSTANTS) });
  }

  /** Two branches that meet again; each is followed in a block of its own. */
  #branch(ins: Ins, taken: () => void, next: () => void): void {
    const [first, second, after] = [this.#graph.addBlock(), this.#graph.addBlock(), this.#graph.addBlock()];
    this.#graph.block(this.#block).terminator = { kind: 'branch', ins, taken: first, next: second };
    for (const [block, body] of [
      [first, taken],
      [second, next],
    ] as const) {
      const { length } = this.#checked;
      this.#block = block;
      body();
      this.#checked.length = length;
      this.#graph.block(this.#block).terminator = { kind: 'jump', target: after };
    }
    this.#block = after;
  }

  #if(depth: number): void {
    this.#branch(
      this.#comparison(),
      () => this.#statements(2, depth),
      () => this.#statements(this.#random(2), depth),
    );
  }

  #exitIf(): void {
    const [leaving, after] = [this.#graph.addBlock(), this.#graph.addBlock()];
    this.#graph.block(this.#block).terminator = {
      kind: 'branch',
      ins: this.#comparison(),
      taken: leaving,
      next: after,
    };
    this.#block = leaving;
    this.#leave();
    this.#block = after;
  }

  #check(depth: number): void {
    const [data, end] = [this.#graph.addRegisters(1), this.#graph.addRegisters(1)];
    const field = this.#kind === 'xdp' ? XDP_MD_FIELD : SK_BUFF_FIELD;
    this.#load(data, this.#context, field.data, isa.BPF_W);
    this.#load(end, this.#context, field.data_end, isa.BPF_W);
    this.#checkBytes(data, end, this.#pick(LENGTHS), () => this.#statements(3, depth));
  }

  #checkBytes(register: Register, end: Register, length: number, passed: () => void): void {
    const last = this.#graph.addRegisters(1);
    this.#emit(move(last, register, null));
    this.#emit(node({ opcode: isa.BPF_ALU64 | isa.BPF_ADD, dst: last, imm: length }));
    const [operation, isEndFirst, isTaken] = this.#pick(CHECKS);
    const [dst, src] = isEndFirst ? [end, last] : [last, end];
    const ifPassed = (): void => {
      this.#checked.push({ register, end, bytes: length - 1, epoch: this.#epoch });
      passed();
    };
    const ifFailed = (): void => this.#set(this.#variable(), this.#pick(CONSTANTS));
    const ins = node({ opcode: isa.BPF_JMP | operation | isa.BPF_X, dst, src });
    this.#branch(ins, isTaken ? ifPassed : ifFailed, isTaken ? ifFailed : ifPassed);
  }

  /** A pointer with a variable distance, as parsers of headers have it. */
  #add(depth: number): void {
    const usable = this.#usable();
    if (usable.length === 0) {
      this.#check(depth);
      return;
    }
    const { register, end } = this.#pick(usable);
    const distance = this.#variable();
    const ins = node({ opcode: isa.BPF_JMP | isa.BPF_JGT, dst: distance, imm: 15 });
    this.#branch(
      ins,
      () => this.#mix(),
      () => {
        const pointer = this.#graph.addRegisters(1);
        this.#emit(move(pointer, register, null));
        this.#emit(node({ opcode: isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_X, dst: pointer, src: distance }));
        this.#checkBytes(pointer, end, 14, () => this.#statements(2, depth));
      },
    );
  }

  #loop(depth: number): void {
    const outer = this.#checked;
    const counter = this.#graph.addRegisters(1);
    this.#set(counter, 1 + this.#random(3));
    const header = this.#graph.addBlock();
    this.#graph.block(this.#block).terminator = { kind: 'jump', target: header };
    this.#block = header;
    this.#checked = [];
    this.#statements(3, depth);
    this.#checked = outer;
    this.#emit(node({ opcode: isa.BPF_ALU64 | isa.BPF_SUB, dst: counter, imm: 1 }));
    const after = this.#graph.addBlock();
    const ins = node({ opcode: isa.BPF_JMP | isa.BPF_JNE, dst: counter });
    this.#graph.block(this.#block).terminator = { kind: 'branch', ins, taken: header, next: after };
    this.#block = after;
  }

  #call(): void {
    const choice = this.#random(3);
    if (choice === 0) this.#emit(node({ opcode: isa.OP_CALL, imm: BPF_GET_PRANDOM }));
    else if (choice === 1) this.#lookUp();
    else this.#changePacket();
    this.#emit(move(this.#variable(), 0, null));
  }

  #lookUp(): void {
    this.#emit(node({ opcode: OP_FRAME_ADDRESS, dst: 2, imm: -8 }));
    this.#emit(move(1, this.#sum, null));
    this.#emit(node({ opcode: isa.OP_CALL, imm: BPF_MAP_LOOKUP_ELEM, args: 2 }));
    const value = this.#graph.addRegisters(1);
    this.#emit(move(value, 0, null));
    this.#load(this.#variable(), value, 8, isa.BPF_W);
    this.#emit(
      node({ opcode: isa.BPF_STX | isa.BPF_MEM | isa.BPF_B, dst: value, src: this.#variable(), offset: 9 }),
    );
    this.#set(0, 5);
  }

  #changePacket(): void {
    this.#epoch++;
    const isHelper = this.#kind === 'xdp' && this.#random(2) === 0;
    this.#emit(move(1, this.#context, null));
    if (isHelper) this.#set(2, this.#pick([0, 2, -4]));
    const fields = isHelper ? { imm: BPF_XDP_ADJUST_HEAD, args: 2 } : { src: isa.BPF_PSEUDO_CALL, args: 1 };
    this.#emit(node({ opcode: isa.OP_CALL, ...fields }));
  }
}
