/**
 * Arithmetic and comparisons of known numbers.
 *
 * A constant is 64 bits, as a signed number where JavaScript has it exactly, else as a bigint: the same 64 bits
 * have one representation only, so that constants can be keys of maps.
 */

import {
  BPF_ADD,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_LSH,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
} from '../../../isa/index.ts';

export type Constant = number | bigint;

/** How two operands are compared; the other comparisons of BPF are these with operands or outcome exchanged. */
export const EQUAL = 0;
export const ABOVE = 1;
export const ABOVE_SIGNED = 2;
export const COMMON_BITS = 3;
export type Relation = typeof EQUAL | typeof ABOVE | typeof ABOVE_SIGNED | typeof COMMON_BITS;

/** The constant of these 64 bits. */
export function constantOf(bits: bigint): Constant {
  const signed = BigInt.asIntN(64, bits);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : signed;
}

/** Two words as one constant. */
export function joinWords(high: number, low: number): Constant {
  if (high === 0) return low >>> 0;
  return constantOf((BigInt(high) << 32n) | BigInt(low >>> 0));
}

export function lowWord(constant: Constant): number {
  return typeof constant === 'number' ? constant >>> 0 : Number(BigInt.asUintN(32, constant));
}

/** Whether the upper 32 bits are zero. */
export function isNarrowConstant(constant: Constant): boolean {
  return typeof constant === 'number' && constant >= 0 && constant <= 0xffff_ffff;
}

/** Whether `left` and `right` are in the relation: all 64 bits, or only the lower 32 of both. */
export function areRelated(relation: Relation, isWide: boolean, left: Constant, right: Constant): boolean {
  const areWords = relation !== ABOVE_SIGNED && isNarrowConstant(left) && isNarrowConstant(right);
  if (!isWide || areWords) return areRelatedWords(relation, lowWord(left), lowWord(right));
  switch (relation) {
    case EQUAL:
      return left === right;
    case ABOVE:
      return left < 0 === right < 0 ? left > right : left < 0;
    case ABOVE_SIGNED:
      return left > right;
    case COMMON_BITS:
      return BigInt.asUintN(64, BigInt(left) & BigInt(right)) !== 0n;
  }
}

function areRelatedWords(relation: Relation, left: number, right: number): boolean {
  switch (relation) {
    case EQUAL:
      return left === right;
    case ABOVE:
      return left > right;
    case ABOVE_SIGNED:
      return (left | 0) > (right | 0);
    case COMMON_BITS:
      return (left & right) !== 0;
  }
}

/** The sum, modulo 2^64. */
export function sumOf(left: Constant, right: Constant): Constant {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return constantOf(BigInt(left) + BigInt(right));
}

/**
 * Result of an ALU operation on two numbers; undefined for those that are not computed here: divisions, byte
 * swaps and sign extensions.
 */
export function computed(opcode: number, left: Constant, right: Constant): Constant | undefined {
  const isWide = (opcode & 0x07) === BPF_ALU64;
  const operation = opcode & 0xf0;
  const a = BigInt(left);
  const bits = isWide ? 64n : 32n;
  const result = combined(operation, isWide ? a : BigInt.asUintN(32, a), BigInt(right), bits);
  if (result === undefined) return undefined;
  return constantOf(isWide ? result : BigInt.asUintN(32, result));
}

function combined(operation: number, a: bigint, b: bigint, bits: bigint): bigint | undefined {
  const width = Number(bits);
  const shift = b & (bits - 1n);
  switch (operation) {
    case BPF_ADD:
      return a + b;
    case BPF_SUB:
      return a - b;
    case BPF_MUL:
      return a * b;
    case BPF_OR:
      return a | b;
    case BPF_AND:
      return a & b;
    case BPF_XOR:
      return a ^ b;
    case BPF_LSH:
      return a << shift;
    case BPF_RSH:
      return BigInt.asUintN(width, a) >> shift;
    case BPF_ARSH:
      return BigInt.asIntN(width, a) >> shift;
    case BPF_NEG:
      return -a;
    default:
      return undefined;
  }
}
