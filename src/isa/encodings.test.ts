/** The table of encodings: what it allows, and that the assembler's instructions are in it. */

import { describe, expect, test } from 'vitest';
import { insn } from './assemble.ts';
import { disassemble } from './disasm.ts';
import { encodings, fieldProblem, formatFieldProblem, isOpcode, secondSlotProblem } from './encodings.ts';
import { CodeView, encodeInsns, OP_LD_IMM64 } from './opcodes.ts';

const textOf = (problem: ReturnType<typeof fieldProblem>) =>
  problem === undefined ? 'ok' : formatFieldProblem(problem);

describe('fields of instructions', () => {
  test.each([
    ['r1 += r2', insn(0x0f, 1, 2), 'ok'],
    ['r1 += r2 with a number', insn(0x0f, 1, 2, 0, 5), 'imm is 5, and must be 0'],
    ['r1 += 5 with a register', insn(0x07, 1, 2, 0, 5), 'src is 2, and must be 0'],
    ['signed division', insn(0x37, 1, 0, 1, 5), 'ok'],
    ['signed addition', insn(0x07, 1, 0, 1, 5), 'offset is 1, and must be 0'],
    ['addr_space_cast', insn(0xbf, 1, 2, 1, 0x10000), 'ok'],
    ['a sign extension with a number', insn(0xbf, 1, 2, 8, 3), 'imm is 3, and must be 0'],
    ['a move of 32 bits in the 32-bit class', insn(0xbc, 1, 2, 32), 'offset is 32, and must be 0, 8 or 16'],
    ['a kfunc of a module', insn(0x85, 0, 2, 3, 5), 'ok'],
    ['a helper with an offset', insn(0x85, 0, 0, 3, 5), 'offset is 3, and must be 0'],
    ['exit with an offset', insn(0x95, 0, 0, 3), 'ok'],
    ['ld_imm64 of kind 7', insn(OP_LD_IMM64, 1, 7), 'src is 7, and must be 0, 1, 2, 3, 4, 5 or 6'],
    ['an unknown opcode', insn(0xff, 1, 7, 9, 9), 'ok'],
  ] as const)('%s', (_, instruction, expected) => {
    expect(textOf(fieldProblem(instruction))).toBe(expected);
  });

  test('the second slot of ld_imm64', () => {
    expect(secondSlotProblem(insn(0, 0, 0, 0, -1))).toBeUndefined();
    expect(textOf(secondSlotProblem(insn(0, 0, 0, 4, -1)))).toBe('offset is 4, and must be 0');
    expect(textOf(secondSlotProblem(insn(0, 2)))).toBe('dst is 2, and must be 0');
  });

  test('an opcode of no instruction', () => {
    expect([0xff, 0x00, 0x04, 0xd7, 0x8c].map(isOpcode)).toEqual([false, false, true, true, false]);
  });

  test('every form has a text, and none with a field that is reserved', () => {
    for (const [opcode, forms] of encodings()) {
      for (const form of forms) {
        const first = (rule: (typeof form)['dst'], used: number) => (rule === 'used' ? used : (rule[0] ?? 0));
        const fields = [
          first(form.dst, 1),
          first(form.src, 2),
          first(form.offset, 0),
          first(form.imm, 3),
        ] as const;
        const name = `0x${opcode.toString(16)}`;
        const second = opcode === OP_LD_IMM64 ? [insn(0, 0, 0, 0, 0)] : [];
        const text = (instruction: ReturnType<typeof insn>) =>
          disassemble(new CodeView(encodeInsns([instruction, ...second], 'little'), 'little'))[0]?.text;
        expect(text(insn(opcode, ...fields)), name).not.toContain('unknown');
        if (form.src !== 'used')
          expect(text(insn(opcode, fields[0], 9, fields[2], fields[3])), name).toContain('unknown');
        if (form.dst !== 'used')
          expect(text(insn(opcode, 9, fields[1], fields[2], fields[3])), name).toContain('unknown');
      }
    }
  });
});
