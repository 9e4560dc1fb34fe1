/**
 * Ranges of numbers in registers, as far as they decide how far below an address an access may reach.
 *
 * What matters is the lower end: an index that may be negative reaches below the array that it indexes. The upper
 * end is there for what would wrap to a negative number. Ranges are of signed 64-bit numbers; an end that is not
 * known, or that a double does not represent exactly, is infinite.
 */

import {
  BPF_ADD,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_DIV,
  BPF_END,
  BPF_LSH,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
  classOf,
  type Insn,
  operationOf,
} from '../../../isa/index.ts';

/** Lowest and highest value; `min > max` where no value is possible. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

const { NEGATIVE_INFINITY, POSITIVE_INFINITY, MAX_SAFE_INTEGER } = Number;

/** Any number. */
export const ANY_NUMBER: Range = { min: NEGATIVE_INFINITY, max: POSITIVE_INFINITY };
/** No number: the register holds something else. */
export const NO_NUMBER: Range = { min: POSITIVE_INFINITY, max: NEGATIVE_INFINITY };
/** What an operation on 32 bits may leave: it extends its result by zeros. */
const WORD: Range = { min: 0, max: 0xffffffff };

/** One number. */
export function exactly(value: number): Range {
  return Math.abs(value) <= MAX_SAFE_INTEGER ? { min: value, max: value } : ANY_NUMBER;
}

/** Whether no number is possible. */
export function isEmpty({ min, max }: Range): boolean {
  return min > max;
}

/** What a load of so many bytes may give. */
export function loadedRange(bytes: number, signed: boolean): Range {
  if (bytes === 8) return ANY_NUMBER;
  return signed ? signedBits(bytes * 8) : { min: 0, max: 2 ** (bytes * 8) - 1 };
}

function signedBits(bits: number): Range {
  return bits > 53 ? ANY_NUMBER : { min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 };
}

function isWithin(range: Range, outer: Range): boolean {
  return range.min >= outer.min && range.max <= outer.max;
}

/** What an ALU instruction makes of two numbers; of a move, `left` does not matter. */
export function computed(insn: Insn, left: Range, right: Range): Range {
  const operation = operationOf(insn.opcode);
  if (operation === BPF_END) return insn.imm === 64 ? ANY_NUMBER : loadedRange(insn.imm / 8, false);
  if (isEmpty(right) || (isEmpty(left) && operation !== BPF_MOV)) return NO_NUMBER;
  return classOf(insn.opcode) === BPF_ALU64
    ? computed64(operation, insn.offset, left, right)
    : computed32(operation, insn.offset, left, right);
}

/** The result is one of the numbers below 2^32 that differ from that of 64 bits by a multiple of 2^32. */
function computed32(operation: number, offset: number, left: Range, right: Range): Range {
  const start = asWord(left);
  const isSum = operation === BPF_ADD || operation === BPF_SUB;
  if (operation === BPF_ARSH && start.max > 0x7fffffff) return WORD;
  const isExact = right.min === right.max;
  if (isShift(operation) && isExact) return asResult(shifted(operation, start, right.min & 31));
  return asResult(computed64(operation, offset, start, isSum && isExact ? right : asWord(right)));
}

function asResult(result: Range): Range {
  return isWithin(result, WORD) ? result : WORD;
}

function isShift(operation: number): boolean {
  return operation === BPF_LSH || operation === BPF_RSH || operation === BPF_ARSH;
}

function asWord(range: Range): Range {
  if (range.min === range.max) return exactly(range.min >>> 0);
  return isWithin(range, WORD) ? range : WORD;
}

function computed64(operation: number, offset: number, left: Range, right: Range): Range {
  switch (operation) {
    case BPF_MOV:
      return moved(offset, right);
    case BPF_ADD:
      return unwrapped(left.min + right.min, left.max + right.max);
    case BPF_SUB:
      return unwrapped(left.min - right.max, left.max - right.min);
    case BPF_NEG:
      return unwrapped(-left.max, -left.min);
    default:
      return offset === 0 ? ofBits(operation, left, right) : ANY_NUMBER;
  }
}

/** The offset of a move is the number of bits that it extends by their sign; 1 is a cast of address spaces. */
function moved(offset: number, right: Range): Range {
  if (offset === 0) return right;
  const most = offset === 8 || offset === 16 || offset === 32 ? signedBits(offset) : ANY_NUMBER;
  return isWithin(right, most) ? right : most;
}

/** The range, or any number where an end may have wrapped. */
function unwrapped(min: number, max: number): Range {
  return min >= -MAX_SAFE_INTEGER && max <= MAX_SAFE_INTEGER ? { min, max } : ANY_NUMBER;
}

function ofBits(operation: number, left: Range, right: Range): Range {
  switch (operation) {
    case BPF_AND:
      return masked(left, right);
    case BPF_LSH:
    case BPF_RSH:
    case BPF_ARSH:
      return right.min === right.max ? shifted(operation, left, right.min & 63) : ANY_NUMBER;
    case BPF_MOD:
      return right.min > 0 ? { min: 0, max: right.max - 1 } : ANY_NUMBER;
    default:
      return left.min >= 0 && right.min >= 0 ? ofNatural(operation, left, right) : ANY_NUMBER;
  }
}

function known(max: number): number {
  return max <= MAX_SAFE_INTEGER ? max : POSITIVE_INFINITY;
}

/** A mask that is not negative clears the sign; so does a value that is not negative. */
function masked(left: Range, right: Range): Range {
  if (left.min < 0 && right.min < 0) return ANY_NUMBER;
  const max = Math.min(
    left.min >= 0 ? left.max : POSITIVE_INFINITY,
    right.min >= 0 ? right.max : POSITIVE_INFINITY,
  );
  return { min: 0, max };
}

function shifted(operation: number, { min, max }: Range, bits: number): Range {
  const factor = 2 ** bits;
  if (bits === 0) return { min, max };
  if (operation === BPF_LSH) return unwrapped(min * factor, max * factor);
  if (min >= 0) return { min: Math.floor(min / factor), max: Math.floor(max / factor) };
  if (operation === BPF_RSH) return { min: 0, max: bits > 11 ? 2 ** (64 - bits) - 1 : POSITIVE_INFINITY };
  const most = signedBits(64 - bits);
  return {
    min: Math.max(most.min, Math.floor(min / factor)),
    max: Math.min(most.max, Math.floor(max / factor)),
  };
}

/** Operations on numbers that are not negative. */
function ofNatural(operation: number, left: Range, right: Range): Range {
  switch (operation) {
    case BPF_MUL:
      return unwrapped(left.min * right.min, left.max * right.max);
    case BPF_DIV:
      return { min: 0, max: left.max };
    case BPF_OR:
    case BPF_XOR:
      return { min: 0, max: known(left.max + right.max) };
    default:
      return ANY_NUMBER;
  }
}
