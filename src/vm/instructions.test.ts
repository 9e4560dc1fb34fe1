/**
 * Every instruction against a second implementation, on random operands and random programs, in both byte
 * orders.
 */

import { describe, expect, test } from 'vitest';
import { EXIT, insn, loadConstant } from '../isa/assemble.ts';
import type { Insn } from '../isa/opcodes.ts';
import { createMachine } from './run/machine.ts';
import { interpret, randomSource, testObject } from './testing.ts';

const ORDERS = ['little', 'big'] as const;

/** Values at which something overflows, wraps or changes sign. */
const EDGES = [
  0n,
  1n,
  2n,
  7n,
  31n,
  32n,
  63n,
  64n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xfffffffffffffffen,
  0xffffffffffffffffn,
  0x0123456789abcdefn,
  0xfedcba9876543210n,
  0xffffffff80000000n,
];

const IMMEDIATES = [0, 1, -1, 2, 3, 7, 8, 31, 63, 0x7f, 0xff, -128, 0x7fff, 0xffff, 0x7fffffff, -0x80000000];

/** Both halves of r0 folded into the low one, so that the 32-bit verdict depends on all 64 bits. */
const FOLD: readonly Insn[] = [
  insn(0xbf, 1, 0), // r1 = r0
  insn(0x77, 1, 0, 0, 32), // r1 >>= 32
  insn(0x27, 1, 0, 0, 0x01000193), // r1 *= prime
  insn(0xaf, 0, 1), // r0 ^= r1
  EXIT,
];

function expectSame(insns: readonly Insn[], byteOrder: (typeof ORDERS)[number], hint: string): void {
  const expected = Number(BigInt.asUintN(32, interpret(insns, byteOrder)));
  const machine = createMachine(testObject([{ name: 'main', insns }], byteOrder));
  expect(machine.run(new Uint8Array(14)).verdict, hint).toBe(expected);
}

const ALU = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0];

/** One block that applies the instruction to all pairs of edges and mixes the results into r0. */
function overAllPairs(emit: () => readonly Insn[], pairs: readonly (readonly [bigint, bigint])[]): Insn[] {
  const body = pairs.flatMap(([a, b]) => [
    ...loadConstant(6, a),
    ...loadConstant(7, b),
    ...emit(),
    insn(0xaf, 9, 6), // r9 ^= r6
    insn(0x27, 9, 0, 0, 0x01000193), // r9 *= prime
    insn(0xbf, 8, 9),
    insn(0x77, 8, 0, 0, 29),
    insn(0xaf, 9, 8),
  ]);
  return [insn(0xb7, 9, 0, 0, 0), ...body, insn(0xbf, 0, 9), ...FOLD];
}

function overImmediates(emit: (imm: number) => readonly Insn[]): Insn[] {
  let position = 0;
  const next = () => emit(IMMEDIATES[Math.floor(position++ / EDGES.length)] ?? 0);
  return overAllPairs(
    next,
    IMMEDIATES.flatMap(() => EDGES.map(a => [a, 0n] as const)),
  );
}

/** All values on the left, every other one on the right. */
const PAIRS = EDGES.flatMap(a => EDGES.filter((_, i) => i % 2 === 0 || i > 16).map(b => [a, b] as const));

describe.each(ORDERS)('%s endian', byteOrder => {
  test.each(
    ALU.flatMap(operation => [
      [operation | 0x0f, 0],
      [operation | 0x0c, 0],
    ]).concat([
      [0x3f, 1],
      [0x3c, 1],
      [0x9f, 1],
      [0x9c, 1],
      [0xbf, 8],
      [0xbf, 16],
      [0xbf, 32],
      [0xbc, 8],
      [0xbc, 16],
    ]),
  )('opcode 0x%s, offset %d, of two registers', (opcode, offset) => {
    expectSame(
      overAllPairs(() => [insn(opcode ?? 0, 6, 7, offset)], PAIRS),
      byteOrder,
      `opcode ${opcode}`,
    );
  });

  test.each(ALU.flatMap(operation => [operation | 0x07, operation | 0x04]))(
    'opcode 0x%s with immediates',
    opcode => {
      expectSame(
        overImmediates(imm => [insn(opcode, 6, 0, 0, imm)]),
        byteOrder,
        '',
      );
    },
  );

  test.each([0x37, 0x34, 0x97, 0x94])('signed division 0x%s by immediates', opcode => {
    expectSame(
      overImmediates(imm => [insn(opcode, 6, 0, 1, imm)]),
      byteOrder,
      '',
    );
  });

  test.each([
    ['neg', 0x87, 0],
    ['neg32', 0x84, 0],
    ['le16', 0xd4, 16],
    ['le32', 0xd4, 32],
    ['le64', 0xd4, 64],
    ['be16', 0xdc, 16],
    ['be32', 0xdc, 32],
    ['be64', 0xdc, 64],
    ['bswap16', 0xd7, 16],
    ['bswap32', 0xd7, 32],
    ['bswap64', 0xd7, 64],
  ])('%s', (_, opcode, imm) => {
    const insns = overAllPairs(
      () => [insn(opcode, 6, 0, 0, imm)],
      EDGES.map(a => [a, 0n]),
    );
    expectSame(insns, byteOrder, '');
  });

  test.each(
    [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0].flatMap(op => [op | 0x0d, op | 0x0e]),
  )('jump 0x%s of two registers', opcode => {
    const jump = () => [
      insn(opcode, 6, 7, 2),
      insn(0xb7, 6, 0, 0, 0x1111),
      insn(0x05, 0, 0, 1),
      insn(0xb7, 6, 0, 0, 0x2222),
    ];
    expectSame(overAllPairs(jump, PAIRS), byteOrder, `opcode ${opcode}`);
  });

  test.each(
    [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0].flatMap(op => [op | 0x05, op | 0x06]),
  )('jump 0x%s with immediates', opcode => {
    const jump = (imm: number) => [
      insn(opcode, 6, 0, 2, imm),
      insn(0xb7, 6, 0, 0, 0x1111),
      insn(0x06, 0, 0, 0, 1), // gotol
      insn(0xb7, 6, 0, 0, 0x2222),
    ];
    expectSame(overImmediates(jump), byteOrder, '');
  });

  test.each([
    ['u8', 0x71, 0x73],
    ['u16', 0x69, 0x6b],
    ['u32', 0x61, 0x63],
    ['u64', 0x79, 0x7b],
    ['s8', 0x91, 0x7b],
    ['s16', 0x89, 0x7b],
    ['s32', 0x81, 0x7b],
  ])('load %s of each part of what was stored', (_, load, store) => {
    for (const shift of [0, 1, 3, 4]) {
      const block = () => [
        insn(0x7a, 10, 0, -16, -1),
        insn(0x7a, 10, 0, -8, 0x12345678),
        insn(store, 10, 6, -16 + shift),
        insn(load, 6, 10, -16),
        insn(load, 7, 10, -12 + shift),
        insn(0x27, 7, 0, 0, 31),
        insn(0xaf, 6, 7),
      ];
      const insns = overAllPairs(
        block,
        EDGES.map(a => [a, 0n]),
      );
      expectSame(insns, byteOrder, `shift ${shift}`);
    }
  });

  test.each([0x72, 0x6a, 0x62, 0x7a])('store 0x%s of an immediate', opcode => {
    for (const imm of IMMEDIATES) {
      const insns = [insn(0x7a, 10, 0, -8, -1), insn(opcode, 10, 0, -8, imm), insn(0x79, 0, 10, -8), ...FOLD];
      expectSame(insns, byteOrder, `imm ${imm}`);
    }
  });

  test.each([0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1, 0x110])('atomic 0x%s', operation => {
    for (const opcode of [0xdb, 0xc3]) {
      const block = () => [
        insn(0x7b, 10, 6, -8),
        insn(0xbf, 0, 6),
        insn(0x47, 0, 0, 0, 1), // so that compare-exchange sees both
        insn(opcode, 10, 7, -8, operation),
        insn(0x79, 6, 10, -8),
        insn(0xaf, 6, 7),
        insn(0x27, 6, 0, 0, 31),
        insn(0xaf, 6, 0),
      ];
      expectSame(overAllPairs(block, PAIRS), byteOrder, `opcode ${opcode}`);
    }
  });

  test('load-acquire and store-release of all sizes', () => {
    for (const size of [0x00, 0x08, 0x10, 0x18]) {
      const block = () => [
        insn(0x7a, 10, 0, -8, -1),
        insn(0xc3 | size, 10, 6, -8, 0x110),
        insn(0x79, 6, 10, -8),
        insn(0xbf, 7, 10),
        insn(0xc3 | size, 7, 7, -8, 0x100), // dst is src, for the sake of the reference
        insn(0xaf, 6, 7),
      ];
      const insns = overAllPairs(
        block,
        EDGES.map(a => [a, 0n]),
      );
      expectSame(insns, byteOrder, `size ${size}`);
    }
  });

  test('random programs with branches, loops and memory', () => {
    for (let seed = 1; seed <= 150; seed++) expectSame(randomProgram(seed), byteOrder, `seed ${seed}`);
  });
});

/** Registers r0 to r8; r9 counts so that loops end. All jumps but one per loop go forward. */
function randomProgram(seed: number): Insn[] {
  const random = randomSource(seed * 7919);
  const pick = <T>(items: readonly T[]): T => {
    const item = items[random(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  };
  const register = () => random(9);
  const insns: Insn[] = [];
  for (let r = 0; r < 9; r++) insns.push(...loadConstant(r, pick(EDGES)));
  for (let slot = 1; slot <= 4; slot++) insns.push(insn(0x7b, 10, register(), -8 * slot));
  insns.push(insn(0xb7, 9, 0, 0, 40));
  const start = insns.length;
  const count = 20 + random(60);
  // Each step takes one slot, so that any jump inside is to an instruction.
  for (let step = 0; step < count; step++) {
    const forward = random(count - step);
    insns.push(
      pick<() => Insn>([
        () => insn(pick(ALU) | 0x0f, register(), register(), 0),
        () => insn(pick(ALU) | 0x0c, register(), register(), 0),
        () => insn(pick(ALU) | 0x07, register(), 0, 0, pick(IMMEDIATES)),
        () => insn(pick(ALU) | 0x04, register(), 0, 0, pick(IMMEDIATES)),
        () => insn(pick([0x3f, 0x3c, 0x9f, 0x9c]), register(), register(), 1),
        () => insn(0xbf, register(), register(), pick([8, 16, 32])),
        () => insn(pick([0xd4, 0xdc, 0xd7]), register(), 0, 0, pick([16, 32, 64])),
        () => insn(pick([0x71, 0x69, 0x61, 0x79, 0x91, 0x89, 0x81]), register(), 10, -8 * (1 + random(4))),
        () => insn(pick([0x73, 0x6b, 0x63, 0x7b]), 10, register(), -8 * (1 + random(4)) + random(1)),
        () =>
          insn(pick([0xdb, 0xc3]), 10, register(), -8 * (1 + random(4)), pick([0, 0x40, 0xa1, 0xe1, 0xf1])),
        () => insn(pick([0x1d, 0x2d, 0x5d, 0x6d, 0xad, 0x1e, 0x4e, 0xce]), register(), register(), forward),
        () => insn(pick([0x15, 0x25, 0x55, 0xa5, 0x16, 0xd6]), register(), 0, forward, pick(IMMEDIATES)),
        () => insn(0x05, 0, 0, random(3) === 0 ? forward : 0),
      ])(),
    );
  }
  // Back into the middle: with the jumps above that makes graphs of all kinds, irreducible ones too.
  insns.push(insn(0x17, 9, 0, 0, 1));
  insns.push(insn(0x55, 9, 0, -(1 + random(insns.length - start)) - 1, 0));
  for (let r = 1; r < 9; r++) {
    insns.push(insn(0x27, 0, 0, 0, 0x01000193), insn(0xaf, 0, r));
  }
  for (let slot = 1; slot <= 4; slot++) insns.push(insn(0x79, 1, 10, -8 * slot), insn(0xaf, 0, 1));
  return [...insns, ...FOLD];
}
