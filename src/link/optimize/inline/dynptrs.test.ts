/** Frames of functions that may leave a dynptr are not shared; all others are. */

import { describe, expect, test } from 'vitest';
import * as isa from '../../../isa/assemble.ts';
import { helperId } from '../../../isa/helpers.ts';
import { BPF_DW, type Insn } from '../../../isa/opcodes.ts';
import { type TestFunction, testObject } from '../../../vm/testing.ts';
import { Decisions, ProgramDecisions } from './decide.ts';
import { Dynptrs } from './dynptrs.ts';
import { Functions } from './functions.ts';
import { liftProgram } from './lift.ts';

const call = isa.callFunction(-1);

function helper(name: string): Insn {
  return isa.callHelper(helperId(`bpf_${name}`) ?? 0);
}

/** A program that calls `f`, `g` and `f`; `f` has 16 bytes of stack and calls the helper, `g` has 24. */
function objectWith(name: string) {
  const functions: TestFunction[] = [
    {
      name: 'prog',
      insns: [call, call, call, isa.move(0, 2), isa.EXIT],
      refers: {
        0: { kind: 'call', name: 'f' },
        1: { kind: 'call', name: 'g' },
        2: { kind: 'call', name: 'f' },
      },
    },
    {
      name: 'f',
      insns: [
        isa.copy(1, 10),
        isa.add(1, -16),
        isa.move(2, 8),
        isa.move(3, 0),
        isa.copy(4, 1),
        helper(name),
        isa.move(0, 0),
        isa.EXIT,
      ],
    },
    { name: 'g', insns: [isa.storeImmediate(BPF_DW, 10, -24, 9), isa.move(0, 0), isa.EXIT] },
  ];
  return testObject(functions);
}

function frameOf(name: string): number {
  const functions = new Functions(objectWith(name));
  const decisions = new ProgramDecisions(new Decisions(functions, {}), 0, 'all', 100);
  return liftProgram(functions, 0, decisions).graph.frame;
}

describe('frames', () => {
  test.each(['dynptr_from_mem', 'ringbuf_reserve_dynptr'])('of functions with %s are apart', name => {
    expect(frameOf(name)).toBe(16 + 24 + 16);
  });

  test.each(['csum_diff', 'strncmp'])('of functions with %s are shared', name => {
    expect(frameOf(name)).toBe(24);
  });
});

test('a caller may hold what its callee makes', () => {
  const dynptrs = new Dynptrs(objectWith('dynptr_from_mem'));
  expect([0, 1, 2].map(index => dynptrs.mayHold(index))).toEqual([true, true, false]);
});
