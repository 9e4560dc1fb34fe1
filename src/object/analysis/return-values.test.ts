import { describe, expect, test } from 'vitest';
import { add, callHelper, copy, EXIT, insn, load, move, storeImmediate } from '../../isa/assemble.ts';
import {
  BPF_ALU64,
  BPF_AND,
  BPF_DW,
  BPF_JEQ,
  BPF_JGT,
  BPF_JMP,
  BPF_JMP32,
  BPF_K,
  BPF_W,
  type Insn,
} from '../../isa/opcodes.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../uapi/program-types.ts';
import { testObject } from '../../vm/testing.ts';
import { returnValues } from './return-values.ts';

const of = (insns: readonly Insn[], type = BPF_PROG_TYPE_XDP) =>
  returnValues(testObject([{ name: 'prog', insns }]), 0, type);
const COMPUTED = 'a value that it computes';
const jump = (operation: number, dst: number, imm: number, offset: number) =>
  insn(operation | BPF_K, dst, 0, offset, imm);

describe('what a program can return', () => {
  test.each<[string, readonly Insn[], readonly number[], readonly string[]]>([
    ['a constant', [move(0, 2), EXIT], [2], []],
    [
      'one of two',
      [load(BPF_W, 1, 1), move(0, 2), jump(BPF_JMP | BPF_JEQ, 1, 0, 1), move(0, 1), EXIT],
      [1, 2],
      [],
    ],
    ['through another register', [move(6, 3), copy(0, 6), EXIT], [3], []],
    ['a sum', [move(0, 3), add(0, -4), EXIT], [-1], []],
    ['what it loads', [load(BPF_W, 0, 1), EXIT], [], [COMPUTED]],
    [
      'what it loads, equal to 2 or 1',
      [load(BPF_W, 0, 1), jump(BPF_JMP32 | BPF_JEQ, 0, 2, 1), move(0, 1), EXIT],
      [1, 2],
      [],
    ],
    ['one bit', [load(BPF_W, 0, 1), insn(BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, 1), EXIT], [0, 1], []],
    ['through the stack', [storeImmediate(BPF_W, 10, -4, 4), load(BPF_W, 0, 10, -4), EXIT], [4], []],
    [
      'through the stack in part',
      [storeImmediate(BPF_DW, 10, -8, 4), storeImmediate(BPF_W, 10, -4, 4), load(BPF_DW, 0, 10, -8), EXIT],
      [],
      [COMPUTED],
    ],
    ['a helper', [callHelper(1), EXIT], [], [COMPUTED]],
    ['a redirection', [callHelper(23), EXIT], [0, 4], []],
    ['a redirection through a map, else PASS', [move(3, 2), callHelper(51), EXIT], [2, 4], []],
    [
      'a tail call, else PASS',
      [callHelper(12), move(0, 2), EXIT],
      [2],
      ['the verdict of a program that it tail-calls'],
    ],
    [
      'after a loop that counts',
      [load(BPF_W, 2, 1), move(0, 0), add(0, 1), jump(BPF_JMP | BPF_JGT, 2, 3, -2), EXIT],
      [],
      [COMPUTED],
    ],
    [
      'code that is never reached',
      [move(1, 0), move(0, 2), jump(BPF_JMP32 | BPF_JEQ, 1, 0, 1), move(0, 1), EXIT],
      [2],
      [],
    ],
  ])('%s', (_, insns, values, unknown) => {
    expect(of(insns)).toEqual({ values, unknown });
  });
  test('a redirection of tc', () => {
    expect(of([callHelper(23), EXIT], BPF_PROG_TYPE_SCHED_CLS).values).toEqual([2, 7]);
  });
  test('a function that it calls', () => {
    const calls = { 0: { kind: 'call', name: 'inner' } } as const;
    const object = testObject([
      { name: 'prog', insns: [insn(0x85, 0, 1, 0, -1), EXIT], refers: calls },
      { name: 'inner', insns: [move(0, 1), EXIT] },
    ]);
    expect(returnValues(object, 0, BPF_PROG_TYPE_XDP)).toEqual({ values: [1], unknown: [] });
  });
});
