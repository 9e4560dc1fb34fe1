/**
 * An interpreter of graphs with a context and a packet, for tests, which checks on the way what a verifier checks on
 * this path: bytes of the packet are accessed only through pointers that were compared with its end, and numbers
 * are added to such pointers only after a check of their size.
 *
 * Copies of registers are linked as they are in verifiers: 64-bit copies, and pointers with a constant distance.
 */

import { elementAt } from '../../../bytes/index.ts';
import * as defUse from '../../../isa/def-use.ts';
import * as isa from '../../../isa/opcodes.ts';
import { SK_BUFF_FIELD, XDP_MD_FIELD } from '../../../uapi/index.ts';
import { compared, computed, sizeOf, swapped, wide } from '../analysis/testing.ts';
import type { Graph } from '../ir/graph.ts';
import { type Ins, isCall, OP_FRAME_ADDRESS, type Register } from '../ir/ins.ts';
import type { ContextKind } from './fields.ts';

const CONTEXT = 0x1000_0000n;
const FRAME = 0x2000_0000n;
const MAP = 0x3000_0000n;
const PACKET = 0xffff_8880_4000_0000n;
const REGION_SIZE = 512;

/** What a verifier knows of contents, shared by all registers that it links. */
interface Link {
  kind: 'number' | 'packet' | 'end' | 'other';
  /** Bytes of the packet that may be accessed; -1 after the packet has moved. */
  range: number;
  /** Largest value of a number. */
  max: bigint;
  /** Whether the number is known. */
  isKnown: boolean;
}

interface Contents {
  readonly bits: bigint;
  readonly link: Link;
  /** Distance from where the range starts. */
  readonly offset: number;
}

/** What a program gets. */
export interface Input {
  readonly context: ContextKind;
  readonly packet: Uint8Array;
  readonly fields: ReadonlyMap<number, number>;
  /** Whether `p + k < end` allows one byte more than `k` (Linux 5.16), and not one less. */
  readonly isModern: boolean;
}

export interface Outcome {
  readonly result: bigint;
  readonly packet: string;
  readonly map: string;
  readonly calls: readonly string[];
  readonly steps: number;
}

const MAX_STEPS = 20_000;
export const BPF_MAP_LOOKUP_ELEM = 1;
export const BPF_GET_PRANDOM = 7;
export const BPF_XDP_ADJUST_HEAD = 44;

/** Runs a graph; throws where a verifier would refuse it. */
export function run(graph: Graph, input: Input): Outcome {
  return new Interpreter(graph, input).run();
}

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
const hex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16)).join(' ');

class Interpreter {
  readonly #graph: Graph;
  readonly #input: Input;
  readonly #registers: (Contents | undefined)[] = [];
  readonly #context = new Uint8Array(REGION_SIZE);
  readonly #frame = new Uint8Array(REGION_SIZE);
  readonly #map = new Uint8Array(REGION_SIZE);
  readonly #packet = new Uint8Array(REGION_SIZE);
  readonly #calls: string[] = [];
  readonly #links: Link[] = [];
  #start = 64;
  #end: number;
  #steps = 0;

  constructor(graph: Graph, input: Input) {
    this.#graph = graph;
    this.#input = input;
    this.#end = this.#start + input.packet.length;
    this.#packet.set(input.packet, this.#start);
    for (const [offset, value] of input.fields)
      new DataView(this.#context.buffer).setUint32(offset, value, true);
    this.#write(1, CONTEXT, this.#link('other'));
    this.#write(10, FRAME + BigInt(REGION_SIZE), this.#link('other'));
  }

  run(): Outcome {
    for (let at = 0; ; ) {
      const { ins, terminator } = this.#graph.block(at);
      for (const each of ins) this.#step(each);
      this.#count();
      if (terminator.kind === 'exit') break;
      if (terminator.kind === 'jump') at = terminator.target;
      else at = this.#branch(terminator.ins) ? terminator.taken : terminator.next;
    }
    const map = hex(this.#map);
    const packet = hex(this.#packet.subarray(this.#start, this.#end));
    return { result: this.#read(0).bits, packet, map, calls: this.#calls, steps: this.#steps };
  }

  #count(): void {
    if (++this.#steps > MAX_STEPS) throw new Error('the program does not end');
  }

  #link(kind: Link['kind'], max = 2n ** 64n): Link {
    const link = { kind, range: 0, max, isKnown: false };
    this.#links.push(link);
    return link;
  }

  #read(register: Register): Contents {
    const contents = this.#registers[register];
    if (contents === undefined) throw new Error(`register ${register} was never written`);
    return contents;
  }

  #write(register: Register, bits: bigint, link: Link, offset = 0): void {
    this.#registers[register] = { bits: unsigned(bits), link, offset };
  }

  #number(register: Register, bits: bigint, max?: bigint): void {
    this.#write(register, bits, this.#link('number', max));
  }

  #known(bits: bigint): Link {
    const link = this.#link('number', unsigned(bits));
    link.isKnown = true;
    return link;
  }

  #step(ins: Ins): void {
    this.#count();
    const { opcode } = ins;
    if (isCall(ins)) this.#call(ins);
    else if (opcode === OP_FRAME_ADDRESS)
      this.#write(ins.dst, this.#read(10).bits + BigInt(ins.imm), this.#link('other'));
    else if (opcode === isa.OP_LD_IMM64)
      this.#write(ins.dst, ins.reference === null ? wide(ins) : MAP, this.#link('other'));
    else if (defUse.isLoad(ins)) this.#load(ins);
    else if (defUse.isAtomic(opcode)) this.#atomic(ins);
    else if (defUse.isStore(ins)) this.#store(ins);
    else this.#arithmetic(ins);
  }

  #call(ins: Ins): void {
    const values = Array.from({ length: ins.args }, (_, index) => this.#read(index + 1).bits);
    const name = ins.src === 0 ? `${ins.imm}` : 'function';
    this.#calls.push(`${name}(${values.join()})`);
    for (let register = 1; register <= 5; register++) this.#registers[register] = undefined;
    if (ins.src !== 0) this.#changeAll();
    if (ins.src === 0 && ins.imm === BPF_XDP_ADJUST_HEAD) this.#move(elementAt(values, 1));
    if (ins.src === 0 && ins.imm === BPF_MAP_LOOKUP_ELEM) this.#write(0, MAP, this.#link('other'));
    else this.#number(0, BigInt(this.#calls.length * 7));
  }

  #move(delta: bigint): void {
    this.#start = Math.min(Math.max(this.#start + Number(BigInt.asIntN(32, delta)), 8), this.#end);
    this.#forget();
  }

  #changeAll(): void {
    for (let at = this.#start; at < this.#end; at++)
      this.#packet[at] = (elementAt(this.#packet, at) + 3) & 0xff;
    this.#context[SK_BUFF_FIELD.mark] = (elementAt(this.#context, SK_BUFF_FIELD.mark) + 1) & 0xff;
    this.#start += 2;
    this.#forget();
  }

  #forget(): void {
    for (const link of this.#links) if (link.kind === 'packet') link.range = -1;
  }

  #place(address: bigint, contents: Contents, from: number, size: number): readonly [Uint8Array, number] {
    const regions = [
      [CONTEXT, this.#context],
      [FRAME, this.#frame],
      [MAP, this.#map],
    ] as const;
    for (const [base, bytes] of regions)
      if (address >= base && address < base + BigInt(REGION_SIZE)) return [bytes, Number(address - base)];
    const { link, offset } = contents;
    if (link.kind !== 'packet') throw new Error('not a pointer');
    const at = offset + from;
    if (at < 0 || at + size > link.range)
      throw new Error(`byte ${at}, ${size} long, of ${link.range} checked`);
    return [this.#packet, Number(address - PACKET)];
  }

  #bytes(address: Contents, from: number, opcode: number): DataView {
    const size = sizeOf(opcode);
    const [bytes, at] = this.#place(unsigned(address.bits + BigInt(from)), address, from, size);
    return new DataView(bytes.buffer, at, size);
  }

  #get(address: Contents, from: number, opcode: number): bigint {
    const view = this.#bytes(address, from, opcode);
    let value = 0n;
    for (let at = view.byteLength - 1; at >= 0; at--) value = (value << 8n) | BigInt(view.getUint8(at));
    return value;
  }

  #put(address: Contents, from: number, opcode: number, value: bigint): void {
    const view = this.#bytes(address, from, opcode);
    for (let at = 0; at < view.byteLength; at++) view.setUint8(at, Number((value >> BigInt(at * 8)) & 0xffn));
  }

  #load({ opcode, dst, src, offset }: Ins): void {
    const address = this.#read(src);
    const { data, data_end } = this.#input.context === 'xdp' ? XDP_MD_FIELD : SK_BUFF_FIELD;
    const field = address.bits === CONTEXT ? offset : -1;
    if (field === data) this.#write(dst, PACKET + BigInt(this.#start), this.#link('packet'));
    else if (field === data_end) this.#write(dst, PACKET + BigInt(this.#end), this.#link('end'));
    else this.#number(dst, this.#get(address, offset, opcode), 2n ** BigInt(sizeOf(opcode) * 8) - 1n);
  }

  #store(ins: Ins): void {
    const isNumber = defUse.classOf(ins.opcode) === isa.BPF_ST;
    const value = isNumber ? BigInt(ins.imm) : this.#read(ins.src).bits;
    this.#put(this.#read(ins.dst), ins.offset, ins.opcode, value);
  }

  /** Only additions that fetch. */
  #atomic({ opcode, dst, src, offset }: Ins): void {
    const address = this.#read(dst);
    const old = this.#get(address, offset, opcode);
    this.#put(address, offset, opcode, old + this.#read(src).bits);
    this.#number(src, old);
  }

  #second({ opcode, src, imm }: Ins): Contents {
    if (defUse.hasSourceRegister(opcode)) return this.#read(src);
    return { bits: BigInt(imm), link: this.#known(BigInt(imm)), offset: 0 };
  }

  #arithmetic(ins: Ins): void {
    const operation = defUse.operationOf(ins.opcode);
    const isWide = defUse.classOf(ins.opcode) === isa.BPF_ALU64;
    if (operation === isa.BPF_MOV) this.#moveTo(ins, isWide);
    else if (operation === isa.BPF_END) this.#number(ins.dst, swapped(ins, this.#read(ins.dst).bits));
    else this.#operate(ins, operation, isWide ? 64 : 32);
  }

  /** Only a 64-bit copy is linked; others know as much, and learn apart. */
  #moveTo(ins: Ins, isWide: boolean): void {
    const { bits, link, offset } = this.#second(ins);
    if (isWide && ins.offset === 0) this.#write(ins.dst, bits, link, offset);
    else {
      const width = isWide ? 64 : 32;
      const narrow = BigInt.asUintN(width, bits);
      const value = ins.offset === 0 ? narrow : BigInt.asUintN(width, BigInt.asIntN(ins.offset, bits));
      if (link.isKnown) this.#write(ins.dst, value, this.#known(value));
      else this.#number(ins.dst, value, link.kind === 'number' && ins.offset === 0 ? link.max : undefined);
    }
  }

  #operate(ins: Ins, operation: number, bits: number): void {
    const { dst } = ins;
    const first = this.#read(dst);
    const second = this.#second(ins);
    const a = BigInt.asUintN(bits, first.bits);
    const b = BigInt.asUintN(bits, second.bits);
    const result = BigInt.asUintN(bits, computed(operation, a, b, bits, ins.offset === 1));
    if (first.link.isKnown && second.link.isKnown) this.#write(dst, result, this.#known(result));
    else if (first.link.kind !== 'packet')
      this.#number(dst, result, operation === isa.BPF_AND ? second.link.max : undefined);
    else if (second.link.isKnown)
      this.#write(dst, result, first.link, first.offset + Number(BigInt.asIntN(64, second.bits)));
    else if (second.link.max > 15n) throw new Error('an unchecked number is added to a pointer');
    else this.#write(dst, result, this.#link('packet'));
  }

  #branch(ins: Ins): boolean {
    const bits = defUse.classOf(ins.opcode) === isa.BPF_JMP ? 64 : 32;
    const first = this.#read(ins.dst);
    const second = this.#second(ins);
    const operation = defUse.operationOf(ins.opcode);
    const a = BigInt.asUintN(bits, first.bits);
    const b = BigInt.asUintN(bits, second.bits);
    const isTaken = compared(operation, a, b, bits);
    if (bits === 64 || first.link.max < 2n ** 32n)
      this.#learn(first, { ...second, bits: b }, operation, isTaken);
    return isTaken;
  }

  #learn(first: Contents, second: Contents, operation: number, isTaken: boolean): void {
    const isPacket = first.link.kind === 'packet' && second.link.kind === 'end';
    const isReversed = first.link.kind === 'end' && second.link.kind === 'packet';
    const isLess = operation === isa.BPF_JLT || operation === isa.BPF_JLE;
    const isMore = operation === isa.BPF_JGT || operation === isa.BPF_JGE;
    const isOrEqual = operation === isa.BPF_JLE || operation === isa.BPF_JGE;
    const isBelow = isTaken ? isLess : isMore;
    const isAbove = isTaken ? isMore : isLess;
    const isStrict = isTaken !== isOrEqual;
    const isEqual = operation === (isTaken ? isa.BPF_JEQ : isa.BPF_JNE);
    if ((isPacket && isBelow) || (isReversed && isAbove)) this.#check(isPacket ? first : second, isStrict);
    if (first.link.kind === 'number' && second.link.isKnown)
      learnNumber(first, second.bits, isBelow ? (isStrict ? 1n : 0n) : undefined, isEqual);
  }

  #check({ link, offset }: Contents, isStrict: boolean): void {
    if (link.range < 0 || offset <= 0) return;
    const range = isStrict ? offset + (this.#input.isModern ? 1 : -1) : offset;
    link.range = Math.max(link.range, range);
  }
}

function learnNumber({ link }: Contents, other: bigint, less: bigint | undefined, isEqual: boolean): void {
  if (less !== undefined) link.max = min(link.max, unsigned(other) - less);
  if (!isEqual) return;
  link.max = unsigned(other);
  link.isKnown = true;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
