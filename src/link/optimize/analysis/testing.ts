/**
 * An interpreter of graphs, for tests: the same program before and after a pass has to do the same.
 *
 * The program gets r1, the address of `memory`, which it may read and write. Helpers return a number made of their
 * own number, their arguments and how often any was called, and leave r1 to r5 with other numbers. Registers and
 * bytes of the frame that were never written cannot be read.
 */

import { elementAt } from '../../../bytes/index.ts';
import { classOf, hasSourceRegister, isAtomic, isLoad, isStore, operationOf } from '../../../isa/def-use.ts';
import * as isa from '../../../isa/opcodes.ts';
import type { Graph } from '../ir/graph.ts';
import { type Ins, isCall, OP_FRAME_ADDRESS, type Register } from '../ir/ins.ts';

const MEMORY = 0x2000_0000n;
const FRAME = 0x1000_0000n;
const FRAME_SIZE = 512;

/** What a run leaves: everything that can be seen of it. */
export interface Outcome {
  readonly result: bigint;
  readonly memory: Uint8Array;
  /** Helpers with their arguments. */
  readonly calls: readonly string[];
  /** Nodes that ran. */
  readonly steps: number;
}

/** Runs a graph. Throws for reads of what was never written, and after `limit` nodes. */
export function run(graph: Graph, memory: Uint8Array, limit = 20_000): Outcome {
  return new Interpreter(graph, memory.slice(), limit).run();
}

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);

class Interpreter {
  readonly #graph: Graph;
  readonly #memory: Uint8Array;
  readonly #limit: number;
  readonly #registers: (bigint | undefined)[] = [];
  readonly #frame: (number | undefined)[] = [];
  readonly #calls: string[] = [];
  #steps = 0;

  constructor(graph: Graph, memory: Uint8Array, limit: number) {
    this.#graph = graph;
    this.#memory = memory;
    this.#limit = limit;
    this.#registers[1] = MEMORY;
    this.#registers[10] = FRAME + BigInt(FRAME_SIZE);
  }

  run(): Outcome {
    for (let at = 0; ; ) {
      const { ins, terminator } = this.#graph.block(at);
      for (const each of ins) this.#step(each);
      this.#count();
      if (terminator.kind === 'exit') break;
      if (terminator.kind === 'jump') at = terminator.target;
      else at = this.#isTaken(terminator.ins) ? terminator.taken : terminator.next;
    }
    return { result: this.#read(0), memory: this.#memory, calls: this.#calls, steps: this.#steps };
  }

  #count(): void {
    if (++this.#steps > this.#limit) throw new Error('the program does not end');
  }

  #read(register: Register): bigint {
    const value = this.#registers[register];
    if (value === undefined) throw new Error(`register ${register} was never written`);
    return value;
  }

  #write(register: Register, value: bigint): void {
    this.#registers[register] = unsigned(value);
  }

  #step(ins: Ins): void {
    this.#count();
    if (isCall(ins)) this.#call(ins);
    else if (!isStore(ins)) this.#write(ins.dst, this.#valueOf(ins));
    else if (isAtomic(ins.opcode) && ins.imm !== isa.BPF_STORE_REL) this.#atomic(ins);
    else this.#store(this.#read(ins.dst) + BigInt(ins.offset), ins.opcode, this.#stored(ins));
  }

  /** What an instruction writes into its register. */
  #valueOf(ins: Ins): bigint {
    if (ins.opcode === OP_FRAME_ADDRESS) return this.#read(10) + BigInt(ins.imm);
    if (ins.opcode === isa.OP_LD_IMM64) return wide(ins);
    if (isLoad(ins)) return this.#load(this.#read(ins.src) + BigInt(ins.offset), ins.opcode);
    return this.#arithmetic(ins);
  }

  #stored(ins: Ins): bigint {
    return classOf(ins.opcode) === isa.BPF_ST ? BigInt(ins.imm) : this.#read(ins.src);
  }

  #call({ imm, args }: Ins): void {
    const values = Array.from({ length: args }, (_, index) => this.#read(index + 1));
    const text = `${imm}(${values.join()})`;
    this.#calls.push(text);
    const result = values.reduce((sum, value) => sum * 31n + value, BigInt(imm + this.#calls.length));
    for (let register = 1; register <= 5; register++) this.#registers[register] = undefined;
    this.#write(0, result);
  }

  #place(address: bigint): readonly [(number | undefined)[] | Uint8Array, number] {
    if (address >= MEMORY && address < MEMORY + BigInt(this.#memory.length))
      return [this.#memory, Number(address - MEMORY)];
    if (address >= FRAME && address < FRAME + BigInt(FRAME_SIZE))
      return [this.#frame, Number(address - FRAME)];
    throw new Error(`no memory at 0x${address.toString(16)}`);
  }

  #load(address: bigint, opcode: number): bigint {
    const size = sizeOf(opcode);
    let value = 0n;
    for (let at = size - 1; at >= 0; at--) {
      const [bytes, index] = this.#place(unsigned(address + BigInt(at)));
      const byte = bytes[index];
      if (byte === undefined) throw new Error('a byte of the frame was never written');
      value = (value << 8n) | BigInt(byte);
    }
    return (opcode & 0xe0) === isa.BPF_MEMSX ? BigInt.asIntN(size * 8, value) : value;
  }

  #store(address: bigint, opcode: number, value: bigint): void {
    for (let at = 0; at < sizeOf(opcode); at++) {
      const [bytes, index] = this.#place(unsigned(address + BigInt(at)));
      bytes[index] = Number((value >> BigInt(at * 8)) & 0xffn);
    }
  }

  #atomic({ opcode, dst, src, offset, imm }: Ins): void {
    const address = this.#read(dst) + BigInt(offset);
    const bits = sizeOf(opcode) * 8;
    const value = BigInt.asUintN(bits, this.#read(src));
    const old = this.#load(address, opcode);
    const isExchange = imm === isa.BPF_CMPXCHG;
    const isStored = !isExchange || old === BigInt.asUintN(bits, this.#read(0));
    if (isStored) this.#store(address, opcode, combine(imm & ~isa.BPF_FETCH, old, value));
    if (isExchange) this.#write(0, old);
    else if ((imm & isa.BPF_FETCH) !== 0) this.#write(src, old);
  }

  #second({ opcode, src, imm }: Ins): bigint {
    return hasSourceRegister(opcode) ? this.#read(src) : BigInt(imm);
  }

  #arithmetic(ins: Ins): bigint {
    const bits = classOf(ins.opcode) === isa.BPF_ALU64 ? 64 : 32;
    const operation = operationOf(ins.opcode);
    if (operation === isa.BPF_END) return swapped(ins, this.#read(ins.dst));
    const second = BigInt.asUintN(bits, this.#second(ins));
    if (operation === isa.BPF_MOV) {
      const value = ins.offset === 0 ? second : BigInt.asIntN(ins.offset, second);
      return BigInt.asUintN(bits, value);
    }
    const first = BigInt.asUintN(bits, this.#read(ins.dst));
    return BigInt.asUintN(bits, computed(operation, first, second, bits, ins.offset === 1));
  }

  #isTaken(ins: Ins): boolean {
    const bits = classOf(ins.opcode) === isa.BPF_JMP ? 64 : 32;
    const first = BigInt.asUintN(bits, this.#read(ins.dst));
    return compared(operationOf(ins.opcode), first, BigInt.asUintN(bits, this.#second(ins)), bits);
  }
}

export function wide({ imm, high, reference }: Ins): bigint {
  if (reference !== null) return BigInt(reference.symbol) * 4096n + BigInt(reference.addend);
  return (BigInt(high) << 32n) | BigInt.asUintN(32, BigInt(imm));
}

export function sizeOf(opcode: number): number {
  return elementAt([4, 2, 1, 8], (opcode >> 3) & 3);
}

function combine(operation: number, old: bigint, value: bigint): bigint {
  switch (operation) {
    case isa.BPF_ADD:
      return old + value;
    case isa.BPF_OR:
      return old | value;
    case isa.BPF_AND:
      return old & value;
    case isa.BPF_XOR:
      return old ^ value;
    default:
      return value;
  }
}

/** Byte swaps, on a little endian machine. */
export function swapped({ opcode, imm }: Ins, value: bigint): bigint {
  let result = 0n;
  const isKept = classOf(opcode) === isa.BPF_ALU && (opcode & isa.BPF_X) === 0;
  if (isKept) return BigInt.asUintN(imm, value);
  for (let at = 0; at < imm / 8; at++) result = (result << 8n) | ((value >> BigInt(at * 8)) & 0xffn);
  return result;
}

export function computed(operation: number, a: bigint, b: bigint, bits: number, isSigned: boolean): bigint {
  const count = b & BigInt(bits - 1);
  const [left, right] = isSigned ? [BigInt.asIntN(bits, a), BigInt.asIntN(bits, b)] : [a, b];
  switch (operation) {
    case isa.BPF_ADD:
      return a + b;
    case isa.BPF_SUB:
      return a - b;
    case isa.BPF_MUL:
      return a * b;
    case isa.BPF_DIV:
      return right === 0n ? 0n : left / right;
    case isa.BPF_MOD:
      return right === 0n ? a : left % right;
    case isa.BPF_OR:
      return a | b;
    case isa.BPF_AND:
      return a & b;
    case isa.BPF_XOR:
      return a ^ b;
    case isa.BPF_LSH:
      return a << count;
    case isa.BPF_RSH:
      return a >> count;
    case isa.BPF_ARSH:
      return BigInt.asIntN(bits, a) >> count;
    case isa.BPF_NEG:
      return -a;
    default:
      throw new Error(`no arithmetic 0x${operation.toString(16)}`);
  }
}

export function compared(operation: number, a: bigint, b: bigint, bits: number): boolean {
  const left = BigInt.asIntN(bits, a);
  const right = BigInt.asIntN(bits, b);
  switch (operation) {
    case isa.BPF_JEQ:
      return a === b;
    case isa.BPF_JNE:
      return a !== b;
    case isa.BPF_JGT:
      return a > b;
    case isa.BPF_JGE:
      return a >= b;
    case isa.BPF_JLT:
      return a < b;
    case isa.BPF_JLE:
      return a <= b;
    case isa.BPF_JSET:
      return (a & b) !== 0n;
    case isa.BPF_JSGT:
      return left > right;
    case isa.BPF_JSGE:
      return left >= right;
    case isa.BPF_JSLT:
      return left < right;
    default:
      return left <= right;
  }
}
