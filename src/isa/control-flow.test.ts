/** Code as blocks: where they end, what follows them, and code that no compiler writes. */

import { expect, test } from 'vitest';
import { blockStarts } from './blocks.ts';
import { cutBlocks, reachedBlocks, successorsOf } from './control-flow.ts';
import { CodeView, encodeInsns, type Insn, OP_EXIT, OP_JA } from './opcodes.ts';

const MOVE = 0xb7;
const JEQ = 0x15;
const insn = (opcode: number, offset = 0): Insn => ({ opcode, dst: 0, src: 0, offset, imm: 0 });
const blocksOf = (...insns: readonly Insn[]) => {
  const code = new CodeView(encodeInsns(insns, 'little'), 'little');
  return cutBlocks({ code, starts: blockStarts(code), indirect: [] });
};

test('a branch, both ways, and where they meet', () => {
  const blocks = blocksOf(insn(JEQ, 2), insn(MOVE), insn(OP_JA, 1), insn(MOVE), insn(OP_EXIT));
  expect(blocks.map(({ start, end, last }) => [start, end, last])).toEqual([
    [0, 1, 0],
    [1, 3, 2],
    [3, 4, 3],
    [4, 5, 4],
  ]);
  expect(blocks.map(({ terminator }) => terminator)).toEqual([
    { kind: 'branch', taken: 2, next: 1 },
    { kind: 'jump', target: 3 },
    { kind: 'jump', target: 3 },
    { kind: 'exit' },
  ]);
  expect(blocks.map(successorsOf)).toEqual([[2, 1], [3], [3], []]);
});

test('a jump out of the code, and an end without exit', () => {
  expect(blocksOf(insn(OP_JA, 7), insn(MOVE)).map(({ terminator }) => terminator.kind)).toEqual([
    'malformed',
    'falls-off',
  ]);
  expect(blocksOf()).toEqual([]);
});

test('a branch to what follows is a jump', () => {
  expect(blocksOf(insn(JEQ, 0), insn(OP_EXIT))[0]?.terminator).toEqual({ kind: 'jump', target: 1 });
});

test('what nothing reaches has no number', () => {
  const blocks = reachedBlocks(blocksOf(insn(OP_JA, 1), insn(MOVE), insn(OP_EXIT)));
  expect(blocks.map(({ start }) => start)).toEqual([0, 2]);
  expect(blocks[0]?.terminator).toEqual({ kind: 'jump', target: 1 });
});
