/**
 * Ranges beside exact arithmetic: what an instruction computes of any two numbers of two ranges is in the range
 * that it is reported to be in, and a number that a comparison lets through is in the narrowed range.
 */

import { describe, expect, test } from 'vitest';
import { insn } from '../../../isa/assemble.ts';
import * as isa from '../../../isa/opcodes.ts';
import { narrowed } from './compare.ts';
import { ANY_NUMBER, computed, exactly, loadedRange, type Range } from './number.ts';

const ROUNDS = 4000;
const SEED = 20_261_130;

function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const below = randomNumbers(SEED);
const ENDS = [
  0,
  1,
  7,
  8,
  63,
  255,
  4096,
  0x7fffffff,
  0x80000000,
  0xffffffff,
  0x100000000,
  2 ** 40,
  2 ** 53 - 1,
];

function randomEnd(): number {
  const end = ENDS[below(ENDS.length)] ?? 0;
  return below(3) === 0 ? -end : end;
}

/** A range and numbers in it, as the 64 bits that registers hold. */
function randomRange(): { readonly range: Range; readonly values: readonly bigint[] } {
  if (below(5) === 0) return { range: ANY_NUMBER, values: [0n, -1n, 1n << 62n, -(1n << 63n), 0xffffffffn] };
  const [a, b] = [randomEnd(), randomEnd()];
  const range = { min: Math.min(a, b), max: below(4) === 0 ? Math.min(a, b) : Math.max(a, b) };
  const middle = Math.floor((range.min + range.max) / 2);
  return { range, values: [range.min, range.max, middle].map(BigInt) };
}

const OPERATIONS: readonly (readonly [number, (a: bigint, b: bigint, bits: number) => bigint])[] = [
  [isa.BPF_ADD, (a, b) => a + b],
  [isa.BPF_SUB, (a, b) => a - b],
  [isa.BPF_MUL, (a, b) => a * b],
  [isa.BPF_AND, (a, b) => a & b],
  [isa.BPF_OR, (a, b) => a | b],
  [isa.BPF_XOR, (a, b) => a ^ b],
  [isa.BPF_MOV, (_, b) => b],
  [isa.BPF_NEG, a => -a],
  [isa.BPF_LSH, (a, b, bits) => a << (b & BigInt(bits - 1))],
  [isa.BPF_RSH, (a, b, bits) => BigInt.asUintN(bits, a) >> (b & BigInt(bits - 1))],
  [isa.BPF_ARSH, (a, b, bits) => BigInt.asIntN(bits, a) >> (b & BigInt(bits - 1))],
  [isa.BPF_DIV, (a, b, bits) => divided(BigInt.asUintN(bits, a), BigInt.asUintN(bits, b))],
  [isa.BPF_MOD, (a, b, bits) => remainder(BigInt.asUintN(bits, a), BigInt.asUintN(bits, b))],
];

function divided(a: bigint, b: bigint): bigint {
  return b === 0n ? 0n : a / b;
}

function remainder(a: bigint, b: bigint): bigint {
  return b === 0n ? a : a % b;
}

function isIn(value: bigint, { min, max }: Range): boolean {
  const number = BigInt.asIntN(64, value);
  const above = min === Number.NEGATIVE_INFINITY || (Number.isFinite(min) && number >= BigInt(min));
  return above && (max === Number.POSITIVE_INFINITY || (Number.isFinite(max) && number <= BigInt(max)));
}

describe('computed', () => {
  test.each(OPERATIONS)(`operation %i contains what it computes (seed ${SEED})`, (operation, apply) => {
    for (let round = 0; round < ROUNDS; round++) {
      const [left, right] = [randomRange(), below(3) === 0 ? shiftCount() : randomRange()];
      for (const [insnClass, bits] of [
        [isa.BPF_ALU64, 64],
        [isa.BPF_ALU, 32],
      ] as const) {
        const range = computed(insn(insnClass | operation | isa.BPF_X), left.range, right.range);
        for (const a of left.values)
          for (const b of right.values) {
            const result = BigInt.asUintN(
              bits,
              apply(BigInt.asUintN(bits, a), BigInt.asUintN(bits, b), bits),
            );
            const seen = isIn(result, range);
            if (!seen)
              expect({ bits, left: left.range, right: right.range, a, b, result, range }).toBe('in range');
          }
      }
    }
  });

  function shiftCount(): { readonly range: Range; readonly values: readonly bigint[] } {
    const count = below(32);
    return { range: exactly(count), values: [BigInt(count)] };
  }

  test.each([
    ['a masked number', isa.BPF_ALU64 | isa.BPF_AND, ANY_NUMBER, exactly(7), { min: 0, max: 7 }],
    [
      'a word times 8',
      isa.BPF_ALU64 | isa.BPF_LSH,
      loadedRange(4, false),
      exactly(3),
      { min: 0, max: 2 ** 35 - 8 },
    ],
    ['its lower half', isa.BPF_ALU64 | isa.BPF_RSH, ANY_NUMBER, exactly(32), { min: 0, max: 2 ** 32 - 1 }],
    [
      'with its sign',
      isa.BPF_ALU64 | isa.BPF_ARSH,
      ANY_NUMBER,
      exactly(32),
      { min: -(2 ** 31), max: 2 ** 31 - 1 },
    ],
    [
      'a byte minus 1',
      isa.BPF_ALU64 | isa.BPF_ADD,
      loadedRange(1, false),
      exactly(-1),
      { min: -1, max: 254 },
    ],
    [
      'in 32 bits',
      isa.BPF_ALU | isa.BPF_ADD,
      loadedRange(1, false),
      exactly(-1),
      { min: 0, max: 0xffffffff },
    ],
    ['a remainder', isa.BPF_ALU64 | isa.BPF_MOD, ANY_NUMBER, exactly(10), { min: 0, max: 9 }],
  ])('%s', (_, opcode, left, right, expected) => {
    expect(computed(insn(opcode), left, right)).toEqual(expected);
  });

  test.each([
    ['8 bits', 8, { min: -128, max: 127 }],
    ['32 bits', 32, { min: -(2 ** 31), max: 2 ** 31 - 1 }],
    ['a cast of address spaces', 1, ANY_NUMBER],
  ])('a move that extends the sign of %s', (_, offset, expected) => {
    const moved = insn(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X, 1, 2, offset);
    expect(computed(moved, ANY_NUMBER, ANY_NUMBER)).toEqual(expected);
  });
});

const COMPARISONS: readonly (readonly [number, (a: bigint, b: bigint, bits: number) => boolean])[] = [
  [isa.BPF_JEQ, (a, b) => a === b],
  [isa.BPF_JNE, (a, b) => a !== b],
  [isa.BPF_JGT, (a, b) => a > b],
  [isa.BPF_JGE, (a, b) => a >= b],
  [isa.BPF_JLT, (a, b) => a < b],
  [isa.BPF_JLE, (a, b) => a <= b],
  [isa.BPF_JSET, (a, b) => (a & b) !== 0n],
  [isa.BPF_JSGT, (a, b, bits) => BigInt.asIntN(bits, a) > BigInt.asIntN(bits, b)],
  [isa.BPF_JSGE, (a, b, bits) => BigInt.asIntN(bits, a) >= BigInt.asIntN(bits, b)],
  [isa.BPF_JSLT, (a, b, bits) => BigInt.asIntN(bits, a) < BigInt.asIntN(bits, b)],
  [isa.BPF_JSLE, (a, b, bits) => BigInt.asIntN(bits, a) <= BigInt.asIntN(bits, b)],
];

describe('narrowed', () => {
  test.each(COMPARISONS)(`comparison %i loses no number (seed ${SEED})`, (operation, holds) => {
    for (let round = 0; round < ROUNDS; round++) {
      const { range, values } = randomRange();
      const constant = (ENDS[below(8)] ?? 0) | 0;
      for (const [insnClass, bits] of [
        [isa.BPF_JMP, 64],
        [isa.BPF_JMP32, 32],
      ] as const)
        for (const value of [...values, BigInt(constant)].filter(one => isIn(one, range))) {
          const taken = holds(BigInt.asUintN(bits, value), BigInt.asUintN(bits, BigInt(constant)), bits);
          const rest = narrowed(insnClass | operation, range, constant, taken);
          if (!isIn(value, rest)) expect({ bits, range, constant, value, taken, rest }).toBe('in range');
        }
    }
  });

  test.each([
    ['at most 7 is not negative', isa.BPF_JGT, 7, false, { min: 0, max: 7 }],
    ['below 8 is not negative', isa.BPF_JLT, 8, true, { min: 0, max: 7 }],
    [
      'signed comparisons leave the other end',
      isa.BPF_JSGT,
      7,
      false,
      { min: Number.NEGATIVE_INFINITY, max: 7 },
    ],
    ['equal to a constant', isa.BPF_JEQ, 7, true, { min: 7, max: 7 }],
    ['above a constant may be negative', isa.BPF_JGT, 7, true, ANY_NUMBER],
  ])('%s', (_, operation, constant, taken, expected) => {
    expect(narrowed(isa.BPF_JMP | operation, ANY_NUMBER, constant, taken)).toEqual(expected);
  });

  test('an end of a range that is not equal is cut off', () => {
    expect(narrowed(isa.BPF_JMP | isa.BPF_JNE, { min: 1, max: 8 }, 8, true)).toEqual({ min: 1, max: 7 });
  });
});
