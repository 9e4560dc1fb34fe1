/** Value numbers of moves and arithmetic. */

import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_END,
  BPF_K,
  BPF_MOV,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_X,
  BPF_XOR,
  hasSourceRegister,
  isMove,
  operationOf,
} from '../../../isa/index.ts';
import { type Ins, isCopy, move, OP_MOVE_NUMBER } from '../ir/index.ts';
import { type Constant, computed, lowWord } from './constants.ts';
import { type Expressions, NOT_SHARED } from './expressions.ts';
import type { State } from './state.ts';
import type { Traits, Value, Values } from './values.ts';

/** First parts of keys: those of loads are below. */
const ARITHMETIC = 16;
const OP_MOVE_WORD = BPF_ALU | BPF_MOV | BPF_X;
const OP_MOVE_WORD_NUMBER = BPF_ALU | BPF_MOV | BPF_K;
/** `addr_space_cast`: a move with this offset. */
const CAST = 1;

export class Arithmetic {
  readonly #values: Values;
  readonly #expressions: Expressions;
  readonly #isShared: boolean;

  constructor(values: Values, expressions: Expressions, isShared: boolean) {
    this.#values = values;
    this.#expressions = expressions;
    this.#isShared = isShared;
  }

  /** What is to be executed for a move or an operation; null for nothing. */
  step(state: State, ins: Ins): Ins | null {
    if (ins.core !== null) return this.#relocated(state, ins);
    return isMove(ins.opcode) ? this.#move(state, ins) : this.#operate(state, ins);
  }

  /** Not known before loading. A pointer stays one to the same thing. */
  #relocated(state: State, ins: Ins): Ins {
    const { kind } = isMove(ins.opcode) ? UNKNOWN : this.#traits(state, ins.dst);
    return this.#expressions.assign(state, ins, this.#values.fresh({ kind }));
  }

  #move(state: State, ins: Ins): Ins | null {
    const { opcode, src, imm } = ins;
    if (isCopy(ins)) return this.#expressions.assign(state, ins, state.valueOf(src, this.#values));
    if (opcode === OP_MOVE_NUMBER) return this.#expressions.assign(state, ins, this.#values.constant(imm));
    if (opcode === OP_MOVE_WORD_NUMBER)
      return this.#expressions.assign(state, ins, this.#values.constant(imm >>> 0));
    const value = state.valueOf(src, this.#values);
    return opcode === OP_MOVE_WORD && ins.offset === 0
      ? this.#moveWord(state, ins, value)
      : this.#extend(state, ins, value);
  }

  /** A 32-bit move of a number whose upper bits are zero is a copy; as such the verifier links the two registers. */
  #moveWord(state: State, ins: Ins, value: Value): Ins | null {
    const { constant, isNarrow } = this.#values.traits(value);
    if (constant !== undefined)
      return this.#expressions.assign(state, ins, this.#values.constant(lowWord(constant)));
    if (!isNarrow) return this.#extend(state, ins, value);
    return this.#expressions.assign(state, move(ins.dst, ins.src, ins.line), value);
  }

  /** Moves that change bits: of 32 bits, and with sign extension. */
  #extend(state: State, ins: Ins, value: Value): Ins | null {
    const isNumber = (ins.opcode & 7) === BPF_ALU;
    if (ins.offset === CAST) return this.#expressions.define(state, ins, NOT_SHARED, {});
    const { isUniform } = this.#values.traits(value);
    const key = this.#key(state, ins, value, this.#values.constant(0));
    return this.#expressions.define(state, ins, isUniform ? key : NOT_SHARED, {
      isNarrow: isNumber,
      isUniform,
    });
  }

  #operate(state: State, ins: Ins): Ins | null {
    const left = state.valueOf(ins.dst, this.#values);
    const right = this.#second(state, ins);
    const simple = this.#displaced(ins, left, right) ?? this.#computed(ins, left, right);
    if (simple !== undefined) return this.#expressions.assign(state, ins, simple);
    const traits = this.#resultOf(ins, left, right);
    const key = traits.isUniform === true ? this.#key(state, ins, left, right) : NOT_SHARED;
    return this.#expressions.define(state, ins, key, traits);
  }

  #second(state: State, ins: Ins): Value {
    return hasSourceRegister(ins.opcode)
      ? state.valueOf(ins.src, this.#values)
      : this.#values.constant(ins.imm);
  }

  /** A pointer with a constant added or subtracted. */
  #displaced({ opcode }: Ins, left: Value, right: Value): Value | undefined {
    const isSum = opcode === ((opcode & BPF_X) | ADD);
    if (!isSum && opcode !== ((opcode & BPF_X) | SUB)) return undefined;
    const distance = this.#values.traits(right).constant;
    if (this.#values.traits(left).kind !== 'unknown' && typeof distance === 'number')
      return this.#values.displaced(left, isSum ? distance : -distance);
    const constant = this.#values.traits(left).constant;
    if (isSum && typeof constant === 'number' && this.#values.traits(right).kind !== 'unknown')
      return this.#values.displaced(right, constant);
    return undefined;
  }

  #computed({ opcode, offset }: Ins, left: Value, right: Value): Value | undefined {
    const a = this.#values.traits(left).constant;
    const b = this.#values.traits(right).constant;
    if (a === undefined || b === undefined || offset !== 0) return undefined;
    const result: Constant | undefined = computed(opcode, a, b);
    return result === undefined ? undefined : this.#values.constant(result);
  }

  #resultOf(ins: Ins, left: Value, right: Value): Partial<Traits> {
    const a = this.#values.traits(left);
    const b = this.#values.traits(right);
    const isUniform = a.isUniform && b.isUniform;
    const isSum = ins.opcode === (ADD | BPF_X);
    const pointer = isSum && a.kind === 'unknown' ? b : a;
    if (pointer.kind !== 'unknown' && (isSum || ins.opcode === (SUB | BPF_X))) {
      const other = pointer === a ? b : a;
      const isPointer = other.kind === 'unknown';
      const isBounded = isSum && pointer.isBounded && other.isNarrow;
      return isPointer ? { kind: pointer.kind, isBounded, isUniform } : { isUniform };
    }
    const base = ins.opcode === ADD && b.constant !== undefined ? left : 0;
    return { isNarrow: isNarrowResult(ins, a, b), most: largestResult(ins, b), isUniform, base };
  }

  #traits(state: State, register: number): Traits {
    return this.#values.traits(state.valueOf(register, this.#values));
  }

  /** What is known about the operands is part of the key: the verifier knows as much about the result. */
  #key(state: State, { opcode, offset }: Ins, left: Value, right: Value): number {
    if (!this.#isShared) return NOT_SHARED;
    const values = this.#values;
    const operation = values.pair(ARITHMETIC + opcode, offset + 0x8000);
    return values.pair(
      values.pair(operation, state.arithmetic),
      values.pair(this.#operand(state, left), this.#operand(state, right)),
    );
  }

  #operand(state: State, value: Value): number {
    const { kind, constant } = this.#values.traits(value);
    if (kind !== 'unknown' || constant !== undefined) return this.#values.pair(value, 0);
    return this.#values.pair(value, state.stampOf(value, this.#values));
  }
}

const ADD = BPF_ALU64 | BPF_ADD;
const SUB = BPF_ALU64 | BPF_SUB;
const UNKNOWN = { kind: 'unknown' } as const;

/** Whether the upper 32 bits of a result are zero, as verifiers see too. */
function isNarrowResult({ opcode, imm }: Ins, left: Traits, right: Traits): boolean {
  const operation = operationOf(opcode);
  if ((opcode & 7) === BPF_ALU) return operation !== BPF_END || imm !== 64;
  if (operation === BPF_AND) return left.isNarrow || right.isNarrow;
  if (operation === BPF_RSH) return left.isNarrow;
  return (operation === BPF_OR || operation === BPF_XOR) && left.isNarrow && right.isNarrow;
}

/** Of `x & number` that is the number. */
function largestResult({ opcode }: Ins, { constant }: Traits): number {
  const isMask = operationOf(opcode) === BPF_AND && typeof constant === 'number' && constant >= 0;
  return isMask ? constant : Number.POSITIVE_INFINITY;
}
