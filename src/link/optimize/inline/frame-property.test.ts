/**
 * Random functions in the embedded machine: nothing below the bound of a function is changed by it. Many of them
 * do reach the lowest 8 bytes above it, so that the bound is not just large.
 */

import { describe, expect, test } from 'vitest';
import {
  add,
  assemble,
  callHelper,
  copy,
  EXIT,
  insn,
  jumpIf,
  label,
  load,
  move,
  type Step,
  storeImmediate,
} from '../../../isa/assemble.ts';
import * as isa from '../../../isa/opcodes.ts';
import { createMachine } from '../../../vm/run/machine.ts';
import { randomSource, testObject } from '../../../vm/testing.ts';
import { frameBound } from './frame-bound.ts';

const SEED = 512;
const FUNCTIONS = 200;
const FP = 10;
const RANDOM = 7;
const FRAME = 512;
const PATTERN = 0x5a5a5a5a;
const PASS = 2;
const DROP = 1;

const alu = (operation: number, dst: number, imm: number) =>
  insn(isa.BPF_ALU64 | operation | isa.BPF_K, dst, 0, 0, imm);
const aluX = (operation: number, dst: number, src: number) =>
  insn(isa.BPF_ALU64 | operation | isa.BPF_X, dst, src);

/** Code that stores through addresses in r6 and r7, which branches, indices and loops move. */
function randomBody(below: (limit: number) => number): Step[] {
  let labels = 0;
  const pointer = () => 6 + below(2);
  const offset = () => 8 * (below(5) - 2);
  const store = () => storeImmediate(isa.BPF_B, pointer(), below(9) - 4, 0xee);

  function indexed(): Step[] {
    const operation = below(4) === 0 ? isa.BPF_SUB : isa.BPF_ADD;
    const mask = [7, 15, 31][below(3)] ?? 7;
    const shift = below(2) === 0 ? [] : [alu(isa.BPF_RSH, 0, 1)];
    const masked = [callHelper(RANDOM), alu(isa.BPF_AND, 0, mask), ...shift];
    return [...masked, copy(8, pointer()), aluX(operation, 8, 0), storeImmediate(isa.BPF_B, 8, 0, 0xee)];
  }

  function branched(steps: readonly Step[]): Step[] {
    const name = `skip${labels++}`;
    return [callHelper(RANDOM), jumpIf(isa.BPF_JSET, 0, 1 << below(8), name), ...steps, label(name)];
  }

  function looped(): Step[] {
    const name = `again${labels++}`;
    const moves = below(3) === 0 ? [add(6, 1), store()] : [copy(8, 7), aluX(isa.BPF_ADD, 8, 9)];
    const body = [...moves, storeImmediate(isa.BPF_B, 8, 0, 0xee), add(9, 1)];
    return [copy(8, 7), move(9, 0), label(name), ...body, jumpIf(isa.BPF_JNE, 9, 4 + below(20), name)];
  }

  const kinds: readonly (() => Step[])[] = [
    () => [store()],
    () => [add(pointer(), offset())],
    () => [copy(6, 7)],
    indexed,
    () => branched([add(pointer(), offset())]),
    () => branched([copy(7, 6), store()]),
    looped,
  ];
  const start = [copy(6, FP), add(6, -8 * (4 + below(20))), copy(7, FP), add(7, -8 * (4 + below(20)))];
  const steps = Array.from({ length: 3 + below(8) }, () => kinds[below(kinds.length)]?.() ?? []);
  return [...start, ...steps.flat(), store()];
}

/** The body between code that fills the frame below `bytes` and code that looks whether it is changed. */
function guarded(body: readonly Step[], bytes: number): readonly isa.Insn[] {
  const words = Array.from({ length: (FRAME - bytes) / 8 }, (_, word) => -FRAME + 8 * word);
  return assemble([
    ...words.map(at => storeImmediate(isa.BPF_DW, FP, at, PATTERN)),
    ...body,
    ...words.flatMap(at => [load(isa.BPF_DW, 1, FP, at), jumpIf(isa.BPF_JNE, 1, PATTERN, 'changed')]),
    move(0, PASS),
    EXIT,
    label('changed'),
    move(0, DROP),
    EXIT,
  ]).insns;
}

/** Verdicts of a few runs; what is outside of the frame ends a run with a fault, which does not matter here. */
function verdictsOf(insns: readonly isa.Insn[]): number[] {
  const machine = createMachine(testObject([{ name: 'main', insns }]));
  return Array.from({ length: 4 }, () => verdictOf(machine)).filter(verdict => verdict >= 0);
}

function verdictOf(machine: ReturnType<typeof createMachine>): number {
  try {
    return machine.run(new Uint8Array(64)).verdict;
  } catch {
    return -1;
  }
}

describe(`${FUNCTIONS} random functions (seed ${SEED})`, () => {
  test('change nothing below their bound, and many of them what is just above it', () => {
    const below = randomSource(SEED);
    const counts = { bound: 0, unknown: 0, reached: 0 };
    for (let index = 0; index < FUNCTIONS; index++) {
      const body = randomBody(below);
      const bound = frameBound(testObject([{ name: 'f', insns: assemble([...body, EXIT]).insns }]), 0);
      if ('reason' in bound) {
        counts.unknown++;
        continue;
      }
      counts.bound++;
      if (verdictsOf(guarded(body, bound.bytes)).includes(DROP))
        expect({ index, bound }).toBe('not exceeded');
      if (verdictsOf(guarded(body, bound.bytes - 8)).includes(DROP)) counts.reached++;
    }
    expect(counts.bound).toBeGreaterThan(FUNCTIONS / 2);
    expect(counts.reached).toBeGreaterThan(counts.bound / 3);
  });
});
