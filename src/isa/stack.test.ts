import { expect, test } from 'vitest';
import { callFunction, EXIT, insn } from './assemble.ts';
import { CodeView, encodeInsns, type Insn } from './opcodes.ts';
import { stackDepth } from './stack.ts';

const depthOf = (...insns: readonly Insn[]) =>
  stackDepth(new CodeView(encodeInsns([...insns, EXIT], 'little'), 'little'));
const store = (base: number, offset: number): Insn => insn(0x7a, base, 0, offset);
const copy = (to: number, from: number): Insn => insn(0xbf, to, from);
const add = (to: number, value: number): Insn => insn(0x07, to, 0, 0, value);
const subtract = (to: number, value: number): Insn => insn(0x17, to, 0, 0, value);
const helper = (id: number): Insn => insn(0x85, 0, 0, 0, id);

test.each<readonly [string, number, readonly Insn[]]>([
  ['nothing', 0, []],
  ['a store', 16, [store(10, -16)]],
  ['a load', 24, [insn(0x79, 1, 10, -24)]],
  ['a store of a register', 8, [insn(0x7b, 10, 1, -8)]],
  ['above the frame', 0, [store(10, 8)]],
  ['the deeper of two', 32, [store(10, -32), store(10, -8)]],
  ['by a copy', 40, [copy(2, 10), store(2, -40)]],
  ['by a sum', 48, [copy(2, 10), add(2, -40), store(2, -8)]],
  ['by a difference', 48, [copy(2, 10), subtract(2, 40), store(2, -8)]],
  ['by a copy of a copy', 16, [copy(2, 10), add(2, -16), copy(3, 2), store(3, 0)]],
  ['by another operation', 0, [copy(2, 10), insn(0x27, 2, 0, 0, 2), store(2, -8)]],
  ['by a sum of registers', 0, [copy(2, 10), insn(0x0f, 2, 3), store(2, -8)]],
  ['by 32 bits', 0, [copy(2, 10), insn(0x04, 2, 0, 0, -8), store(2, -8)]],
  ['by a sign-extending copy', 0, [insn(0xbf, 2, 10, 8), store(2, -8)]],
  ['after a register is loaded', 0, [copy(2, 10), insn(0x79, 2, 1, 0), store(2, -8)]],
  ['after a call', 0, [copy(2, 10), callFunction(0), store(2, -8)]],
  ['by a register that calls keep', 8, [copy(6, 10), callFunction(0), store(6, -8)]],
  ['after a label', 0, [insn(0x15, 1, 0, 1), copy(2, 10), store(2, -8)]],
])('%s: %i bytes', (_, bytes, insns) => {
  expect(depthOf(...insns)).toBe(bytes);
});

test.each([1, 2, 3, 4, 5])('argument %i of a function', register => {
  expect(depthOf(copy(register, 10), subtract(register, 64), callFunction(0))).toBe(64);
});

test('arguments of a helper are as many as it takes', () => {
  const passed = (register: number) => depthOf(copy(register, 10), add(register, -72), helper(1));
  expect([1, 2, 3].map(passed)).toEqual([72, 72, 0]); // bpf_map_lookup_elem
  expect(depthOf(copy(5, 10), add(5, -72), helper(2_000_000))).toBe(72); // unknown: all of them
});
