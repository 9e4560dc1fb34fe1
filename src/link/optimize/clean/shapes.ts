/** Compares what blocks do, without strings: each block is a list of numbers that is the same for equal blocks. */

import { elementAt, valueAt } from '../../../bytes/index.ts';
import { CROWD, drawKey, hashOfSum, withNumber } from '../../../image/index.ts';
import { filled, intAt } from '../analysis/index.ts';
import {
  type BlockIndex,
  FIRST_VIRTUAL,
  type Graph,
  type Ins,
  type Register,
  readsSrc,
  targetsOf,
} from '../ir/index.ts';
import { hasDst } from '../registers/index.ts';

/** Registers that no block names, or more than one. */
const NOWHERE = -1;
const SEVERAL = -2;

export class Shapes {
  readonly #graph: Graph;
  /** Classes of blocks that are visited already; negative for others. */
  readonly #classes: Int32Array;
  /** The only block that names a register. */
  readonly #home: Int32Array;
  /** Numbers of CO-RE records by what they ask for. */
  readonly #cores = new Map<string, number>();
  readonly #shapes = new Map<BlockIndex, readonly number[]>();
  /** Registers of the block that is looked at, which only that names, with their numbers. */
  readonly #locals = new Map<Register, number>();
  /** Blocks that were asked for, by hash. */
  #buckets = new Map<number, BlockIndex[]>();
  /** Of hashes; 0: none is needed. */
  #key = 0;

  constructor(graph: Graph, order: readonly BlockIndex[], classes: Int32Array) {
    this.#graph = graph;
    this.#classes = classes;
    this.#home = filled(graph.registers, NOWHERE);
    for (const index of order) {
      const { ins, terminator } = graph.block(index);
      for (const each of ins) this.#settle(each, index);
      if (terminator.kind === 'branch') this.#settle(terminator.ins, index);
    }
  }

  /** A block that does the same among those asked for before. */
  equalOf(index: BlockIndex): BlockIndex | undefined {
    const shape = this.#shapeOf(index);
    this.#shapes.set(index, shape);
    const bucket = this.#bucketOf(shape);
    const equal = bucket.find(other => isSame(this.#shapes.get(other), shape));
    if (equal === undefined) bucket.push(index);
    if (bucket.length > CROWD && this.#key === 0) this.#takeKey();
    return equal;
  }

  #bucketOf(shape: readonly number[]): BlockIndex[] {
    const hash = this.#key === 0 ? hashOf(shape) : keyedHash(shape, this.#key);
    const known = this.#buckets.get(hash);
    if (known !== undefined) return known;
    const made: BlockIndex[] = [];
    this.#buckets.set(hash, made);
    return made;
  }

  /** Blocks that were made to have one hash get others. */
  #takeKey(): void {
    const blocks = [...this.#buckets.values()].flat();
    this.#key = drawKey();
    this.#buckets = new Map();
    for (const index of blocks) this.#bucketOf(valueAt(this.#shapes, index)).push(index);
  }

  #settle(ins: Ins, index: BlockIndex): void {
    if (hasDst(ins)) this.#place(ins.dst, index);
    if (readsSrc(ins)) this.#place(ins.src, index);
  }

  #place(register: Register, index: BlockIndex): void {
    const home = intAt(this.#home, register);
    if (home !== index) this.#home[register] = home === NOWHERE ? index : SEVERAL;
  }

  #shapeOf(index: BlockIndex): number[] {
    const { ins, terminator } = this.#graph.block(index);
    const targets = targetsOf(terminator);
    const shape = [ins.length, targets.length];
    this.#locals.clear();
    for (const target of targets) {
      const known = intAt(this.#classes, target);
      shape.push(known < 0 ? -1 - target : known);
    }
    for (const each of ins) this.#addNode(each, shape);
    if (terminator.kind === 'branch') this.#addNode(terminator.ins, shape);
    return shape;
  }

  #addNode(ins: Ins, shape: number[]): void {
    const { opcode, offset, imm, high, args, reference } = ins;
    const dst = hasDst(ins) ? this.#nameOf(ins.dst) : ins.dst;
    const src = readsSrc(ins) ? this.#nameOf(ins.src) : ins.src;
    shape.push(opcode, dst, src, offset, imm, high, args, this.#coreOf(ins));
    if (reference === null) shape.push(-1);
    else shape.push(reference.symbol, reference.addend, reference.kind.length);
  }

  /** Registers that only this block names are counted; others have their numbers. */
  #nameOf(register: Register): number {
    if (register < FIRST_VIRTUAL || intAt(this.#home, register) < 0) return register;
    if (!this.#locals.has(register)) this.#locals.set(register, this.#locals.size);
    return -1 - valueAt(this.#locals, register);
  }

  #coreOf({ core }: Ins): number {
    if (core === null) return 0;
    const key = `${core.type} ${core.kind} ${core.access}`;
    const known = this.#cores.get(key) ?? this.#cores.size + 1;
    this.#cores.set(key, known);
    return known;
  }
}

function hashOf(shape: readonly number[]): number {
  let hash = shape.length;
  for (const number of shape) hash = (Math.imul(hash, 31) + number) | 0;
  return hash;
}

function keyedHash(shape: readonly number[], key: number): number {
  return hashOfSum(shape.reduce((sum, number) => withNumber(sum, number, key), 0));
}

function isSame(a: readonly number[] | undefined, b: readonly number[]): boolean {
  return a !== undefined && a.length === b.length && a.every((number, at) => number === elementAt(b, at));
}
