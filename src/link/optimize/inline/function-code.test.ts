/** Damaged code is refused before anything is done with it. */

import { describe, expect, test } from 'vitest';
import * as isa from '../../../isa/assemble.ts';
import {
  BPF_ADD,
  BPF_ALU64,
  BPF_DW,
  BPF_JEQ,
  BPF_JMP,
  BPF_K,
  BPF_X,
  type Insn,
} from '../../../isa/opcodes.ts';
import { testObject } from '../../../vm/testing.ts';
import { optimize } from '../optimize.ts';

const branch = (offset: number): Insn => isa.insn(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, offset, 0);
const DAMAGED: readonly (readonly [string, Insn, RegExp])[] = [
  ['a branch before its start', branch(-4), /a jump leads out of its code/],
  ['a jump before its start', isa.insn(BPF_JMP, 0, 0, -7), /a jump leads out of its code/],
  ['a branch after its end', branch(40), /a jump leads out of its code/],
  ['an operand r11', isa.insn(BPF_ALU64 | BPF_ADD | BPF_X, 0, 11), /register that does not exist/],
  ['a result in r15', isa.move(15, 1), /register that does not exist/],
  ['an address in r13', isa.load(BPF_DW, 0, 13), /register that does not exist/],
];

describe.each(DAMAGED)('%s', (_, damaged, reason) => {
  const code = [isa.move(0, 2), damaged, isa.EXIT];

  test('in a program', () => {
    const [program] = optimize(testObject([{ name: 'prog', insns: code }])).report.programs;
    expect(program?.refused).toMatch(reason);
  });

  test('in a function that it calls', () => {
    const object = testObject([
      {
        name: 'prog',
        insns: [isa.callFunction(-1), isa.EXIT],
        refers: { 0: { kind: 'call', name: 'f' } },
      },
      { name: 'f', insns: code },
    ]);
    const [program] = optimize(object, { inline: 'all' }).report.programs;
    expect([program?.refused, ...(program?.kept ?? []).map(call => call.reason)].join()).toMatch(reason);
  });
});
