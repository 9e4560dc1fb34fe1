/**
 * What a comparison with a constant says about the range of a number, on each of its two edges.
 *
 * Unsigned comparisons say most: a number that is at most 7 is not negative either.
 */

import {
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JMP,
  BPF_JNE,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  classOf,
  operationOf,
} from '../../../isa/index.ts';
import type { Range } from './number.ts';

const { POSITIVE_INFINITY } = Number;
const WORD_MAX = 0xffffffff;

/** Comparison that holds where the first one does not. */
const OPPOSITE: ReadonlyMap<number, number> = new Map([
  [BPF_JEQ, BPF_JNE],
  [BPF_JNE, BPF_JEQ],
  [BPF_JGT, BPF_JLE],
  [BPF_JLE, BPF_JGT],
  [BPF_JGE, BPF_JLT],
  [BPF_JLT, BPF_JGE],
  [BPF_JSGT, BPF_JSLE],
  [BPF_JSLE, BPF_JSGT],
  [BPF_JSGE, BPF_JSLT],
  [BPF_JSLT, BPF_JSGE],
]);

/** The range of `range` compared with `constant`, where the jump is taken or not; empty where it cannot be. */
export function narrowed(opcode: number, range: Range, constant: number, taken: boolean): Range {
  const operation = operationOf(opcode);
  const holds = taken ? operation : OPPOSITE.get(operation);
  if (holds === undefined) return range;
  if (classOf(opcode) === BPF_JMP) return narrowed64(holds, range, constant);
  // 32 bits are compared: they are the number itself where it is small enough.
  const isSigned = holds === BPF_JSGT || holds === BPF_JSGE || holds === BPF_JSLT || holds === BPF_JSLE;
  const most = isSigned ? WORD_MAX >>> 1 : WORD_MAX;
  if (range.min < 0 || range.max > most) return range;
  return narrowed64(holds, range, isSigned ? constant | 0 : constant >>> 0);
}

function narrowed64(operation: number, range: Range, constant: number): Range {
  const { min, max } = range;
  switch (operation) {
    case BPF_JEQ:
      return { min: Math.max(min, constant), max: Math.min(max, constant) };
    case BPF_JNE:
      return { min: min === constant ? min + 1 : min, max: max === constant ? max - 1 : max };
    case BPF_JSGT:
      return { min: Math.max(min, constant + 1), max };
    case BPF_JSGE:
      return { min: Math.max(min, constant), max };
    case BPF_JSLT:
      return { min, max: Math.min(max, constant - 1) };
    case BPF_JSLE:
      return { min, max: Math.min(max, constant) };
    default:
      return constant >= 0 ? narrowedUnsigned(operation, range, constant) : range;
  }
}

/** A negative number is larger than every other one here. */
function narrowedUnsigned(operation: number, range: Range, constant: number): Range {
  switch (operation) {
    case BPF_JLE:
      return { min: Math.max(range.min, 0), max: Math.min(range.max, constant) };
    case BPF_JLT:
      return constant === 0
        ? { min: POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY }
        : { min: Math.max(range.min, 0), max: Math.min(range.max, constant - 1) };
    case BPF_JGE:
      return range.min < 0 ? range : { min: Math.max(range.min, constant), max: range.max };
    case BPF_JGT:
      return range.min < 0 ? range : { min: Math.max(range.min, constant + 1), max: range.max };
    default:
      return range;
  }
}
