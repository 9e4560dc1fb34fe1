/**
 * Frames do not overlap after inlining: functions fill bytes of their frames with a pattern, through every sort of
 * pointer, call others that do the same, and compare afterwards. The verdict counts the bits that changed: it is 0.
 *
 * ROOTLET_RUNS sets how many programs, ROOTLET_SEED the first seed.
 */

import { expect, test } from 'vitest';
import { insn } from '../../src/isa/assemble.ts';
import * as isa from '../../src/isa/opcodes.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { SeededRandom } from '../hostile/random.ts';
import { buildWhole } from './build.ts';
import type { FunctionEntity, Model, Op } from './model.ts';
import { randomPackets } from './observe.ts';
import { attempt, beforeOf, labelOf, wrongWith } from './optimized.ts';
import { FULL, SCOPES, type Variant } from './stages.ts';

const { ROOTLET_RUNS, ROOTLET_SEED } = process.env;
const COUNT = Number(ROOTLET_RUNS ?? 10);
const FIRST_SEED = Number(ROOTLET_SEED ?? 1);
const { sys } = kernelForTests();
const VARIANTS: readonly Variant[] = [
  ...SCOPES.map(scope => ({ stage: FULL, scope })),
  { stage: 'A inline', scope: 'all' },
];

const MOV = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X;
const MOV_IMM = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_K;
const ADD_IMM = isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_K;
const STX = isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW;
const LDX = isa.BPF_LDX | isa.BPF_MEM | isa.BPF_DW;

interface Cells {
  /** What fills them, and what adds the differences to r8. */
  readonly fill: readonly isa.Insn[];
  readonly compare: readonly isa.Insn[];
}

/** `register` points to a place of the frame, with `rest` bytes left to add; in one of several ways. */
function pointTo(random: SeededRandom, register: number, offset: number, rest: number): isa.Insn[] {
  const from = insn(MOV, register, 10);
  const add = (amount: number) => insn(ADD_IMM, register, 0, 0, amount);
  if (random.below(2) === 0) return [from, add(offset - rest)];
  const part = 8 * random.below(20);
  return [from, add(-part), add(offset - rest + part)];
}

function expected(register: number, pattern: number): isa.Insn[] {
  return [
    insn(MOV_IMM, 2, 0, 0, pattern),
    insn(isa.BPF_ALU64 | isa.BPF_XOR | isa.BPF_X, register, 2),
    insn(isa.BPF_ALU64 | isa.BPF_OR | isa.BPF_X, 8, register),
  ];
}

/** One cell, by the frame pointer itself or by a pointer. */
function plainCell(random: SeededRandom, offset: number, pattern: number): Cells {
  const value = insn(MOV_IMM, 2, 0, 0, pattern);
  if (random.below(2) === 0)
    return {
      fill: [value, insn(STX, 10, 2, offset)],
      compare: [insn(LDX, 1, 10, offset), ...expected(1, pattern)],
    };
  const rest = random.pick([0, 8, 64, -16]);
  const fill = [...pointTo(random, 1, offset, rest), value, insn(STX, 1, 2, rest)];
  const compare = [...pointTo(random, 3, offset, rest), insn(LDX, 1, 3, rest), ...expected(1, pattern)];
  return { fill, compare };
}

/** One of two cells, which r9 points to all the time: nothing else names them. */
function chosenCell(random: SeededRandom, offsets: readonly [number, number], pattern: number): Cells {
  const rest = random.pick([0, 8]);
  const fill = [
    ...pointTo(random, 9, offsets[0], rest),
    ...pointTo(random, 1, offsets[1], rest),
    insn(isa.BPF_JMP | isa.BPF_JSET | isa.BPF_K, 7, 0, 1, random.pick([1, 2])),
    insn(MOV, 9, 1),
    insn(MOV_IMM, 2, 0, 0, pattern),
    insn(STX, 9, 2, rest),
  ];
  return { fill, compare: [insn(LDX, 1, 9, rest), ...expected(1, pattern)] };
}

/** All cells of a frame, in a loop with a pointer that moves: the bound of such a frame is not known. */
function loopedCells(size: number, pattern: number): Cells {
  const walk = (...body: readonly isa.Insn[]): isa.Insn[] => [
    insn(MOV, 3, 10),
    insn(ADD_IMM, 3, 0, 0, -size),
    insn(MOV_IMM, 4, 0, 0, size / 8),
    ...body,
    insn(ADD_IMM, 3, 0, 0, 8),
    insn(ADD_IMM, 4, 0, 0, -1),
    insn(isa.BPF_JMP | isa.BPF_JNE | isa.BPF_K, 4, 0, -body.length - 3),
  ];
  return {
    fill: walk(insn(isa.BPF_ST | isa.BPF_MEM | isa.BPF_DW, 3, 0, 0, pattern)),
    compare: walk(insn(LDX, 1, 3), ...expected(1, pattern)),
  };
}

const alu = (insns: readonly isa.Insn[]): Op => ({ kind: 'alu', insns });

/** Fills, calls, compares; the result is what the calls gave and what changed. */
function opsOf(random: SeededRandom, size: number, pattern: number, callees: readonly number[]): Op[] {
  const cells: Cells[] = [];
  if (random.below(6) === 0) cells.push(loopedCells(size, pattern));
  else {
    let offset = -size;
    for (let number = 0; offset < 0; number++, offset += 8 * (1 + random.below(4))) {
      const second = offset + 8 < 0 && number === 0;
      cells.push(
        second
          ? chosenCell(random, [offset, offset + 8], pattern)
          : plainCell(random, offset, pattern + number),
      );
      if (second) offset += 8;
    }
  }
  const keep = insn(isa.BPF_ALU64 | isa.BPF_OR | isa.BPF_X, 8, 7);
  return [
    alu([insn(MOV_IMM, 8), ...cells.flatMap(({ fill }) => fill)]),
    // what a call adds to r7 is 0
    ...callees.flatMap((callee): Op[] => [alu([insn(MOV_IMM, 7)]), { kind: 'call', callee }, alu([keep])]),
    alu([...cells.flatMap(({ compare }) => compare), insn(MOV, 7, 8)]),
  ];
}

/** A program and functions that call later ones; frames of a path have at most 500 bytes. */
function framesModel(seed: number): Model {
  const random = new SeededRandom(seed ^ 0xf7a3e);
  const count = 3 + random.below(4);
  const functions = Array.from({ length: count }, (_, id): FunctionEntity => {
    const size = 8 * (1 + random.below(Math.floor(460 / count / 8)));
    const later = Array.from({ length: count - 1 - id }, (_unused, at) => id + 1 + at);
    const callees = later.filter(() => random.below(2) === 0);
    const program = id === 0;
    return {
      id,
      name: program ? 'program' : `function${id}`,
      unit: 0,
      standing: program || random.below(2) === 0 ? 'global' : 'local',
      repeatedIn: [],
      weakIn: [],
      role: program ? 'program' : 'plain',
      section: program ? 'xdp' : '.text',
      ops: opsOf(random, size, 0x1000 * (id + 1), program && callees.length === 0 ? [1] : callees),
      start: random.below(4),
    };
  });
  return { seed, hook: 'xdp', units: 1, verdictMask: 0, functions, variables: [], maps: [] };
}

test.each(Array.from({ length: COUNT }, (_, index) => FIRST_SEED + index))('seed %i', seed => {
  for (const byteOrder of ['little', 'big'] as const) {
    const object = buildWhole(framesModel(seed), { byteOrder });
    const steps = randomPackets(seed, 2).map(packet => ({ program: 'program', packet }));
    const before = beforeOf(object, seed, steps, sys);
    for (const [at, { packet }] of steps.entries())
      expect(before.machine).toHaveProperty(`runs.${at}`, `0 ${Buffer.from(packet).toString('hex')}`);
    if (before.kernel !== null) expect(before.kernel).toBeTypeOf('object');
    for (const variant of VARIANTS)
      expect(wrongWith(attempt(before, variant, sys), variant), labelOf(variant)).toBeUndefined();
  }
});
