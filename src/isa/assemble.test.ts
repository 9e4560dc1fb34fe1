import { expect, test } from 'vitest';
import {
  add,
  addressOf,
  assemble,
  callFunction,
  callHelper,
  callSymbol,
  copy,
  EXIT,
  jump,
  jumpIf,
  jumpIf32,
  label,
  load,
  loadConstant,
  move,
  type Step,
  storeImmediate,
} from './assemble.ts';
import { disassemble } from './disasm.ts';
import { BPF_DW, BPF_JEQ, BPF_JNE, BPF_W, CodeView, encodeInsns } from './opcodes.ts';

function text(steps: readonly Step[]): string[] {
  return disassemble(new CodeView(encodeInsns(assemble(steps).insns, 'little'), 'little')).map(
    line => line.text,
  );
}

test.each<[Step, string]>([
  [move(0, -1), 'r0 = -1'],
  [copy(6, 1), 'r6 = r1'],
  [add(1, -8), 'r1 += -8'],
  [load(BPF_W, 0, 1, 4), 'r0 = *(u32 *)(r1 + 4)'],
  [storeImmediate(BPF_DW, 10, -8, 0), '*(u64 *)(r10 - 8) = 0'],
  [callHelper(1), 'call bpf_map_lookup_elem'],
  [EXIT, 'exit'],
])('%o is %s', (step, expected) => {
  expect(text([step])[0]).toContain(expected);
});

test('jumps go to labels, forwards and backwards, across instructions of two slots', () => {
  const { insns } = assemble([
    label('start'),
    jumpIf(BPF_JEQ, 1, 0, 'end'),
    loadConstant(2, 0x1_0000_0002n),
    jumpIf32(BPF_JNE, 2, 5, 'start'),
    jump('end'),
    label('end'),
    EXIT,
  ]);
  expect(insns.map(insn => insn.offset)).toEqual([4, 0, 0, -4, 0, 0]);
  expect(insns.slice(1, 3).map(insn => insn.imm)).toEqual([2, 1]);
});

test('references are where their instructions are, in the form of objects', () => {
  const { insns, references } = assemble([
    addressOf(2, 7, 12),
    callSymbol(3),
    callFunction(4),
    addressOf(1, 8),
    EXIT,
  ]);
  expect(references).toEqual([
    { insnIndex: 0, kind: 'address', symbol: 7, addend: 12 },
    { insnIndex: 2, kind: 'call', symbol: 3, addend: 0 },
    { insnIndex: 4, kind: 'address', symbol: 8, addend: 0 },
  ]);
  expect(insns[0]).toEqual({ opcode: 0x18, dst: 2, src: 0, offset: 0, imm: 0 });
  expect(insns[2]).toEqual({ opcode: 0x85, dst: 0, src: 1, offset: 0, imm: -1 });
  expect(insns[3]).toMatchObject({ src: 1, imm: 4 });
});

test('a jump without its label is an internal error', () => {
  expect(() => assemble([jump('nowhere')])).toThrow('has no label');
});
