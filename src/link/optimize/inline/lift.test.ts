/** Programs that are lifted, inlined and lowered without any other pass do what they did. */

import { describe, expect, test } from 'vitest';
import type { ByteOrder } from '../../../bytes/cursor.ts';
import * as isa from '../../../isa/assemble.ts';
import { BPF_ADD, BPF_ALU64, BPF_DW, BPF_MEM, BPF_STX, BPF_X } from '../../../isa/opcodes.ts';
import type { BpfObject } from '../../../object/model/model.ts';
import { createMachine } from '../../../vm/run/machine.ts';
import { type TestFunction, testObject } from '../../../vm/testing.ts';
import type { InlineScope } from '../model/options.ts';
import { Decisions, ProgramDecisions } from './decide.ts';
import { Functions } from './functions.ts';
import { type Lifted, liftProgram } from './lift.ts';
import { lower } from './lower.ts';
import { keepOnStack } from './testing.ts';

function lift(object: BpfObject, scope: InlineScope = 'all'): Lifted {
  const functions = new Functions(object);
  return liftProgram(functions, 0, new ProgramDecisions(new Decisions(functions, {}), 0, scope, 100));
}

function rebuilt(object: BpfObject, scope: InlineScope = 'all'): BpfObject {
  const { graph } = lift(object, scope);
  keepOnStack(graph);
  const [program, ...others] = object.symbols;
  if (program?.kind !== 'function') throw new Error('no program');
  return { ...object, symbols: [{ ...program, ...lower(graph, object.byteOrder, false) }, ...others] };
}

function verdict(object: BpfObject, packet = new Uint8Array(64)): number {
  return createMachine(object).run(packet).verdict;
}

const call = isa.callFunction(-1);
const store = (offset: number, src: number) => isa.insn(BPF_STX | BPF_MEM | BPF_DW, 10, src, offset);

/** Programs with what they return. */
const PROGRAMS: Readonly<
  Record<string, { readonly functions: readonly TestFunction[]; readonly returns: number }>
> = {
  'arguments and results': {
    returns: 2 * 30 + 12,
    functions: [
      {
        name: 'prog',
        insns: [isa.move(1, 30), isa.move(2, 12), call, isa.EXIT],
        refers: { 2: { kind: 'call', name: 'f' } },
      },
      {
        name: 'f',
        insns: [
          isa.copy(0, 1),
          isa.insn(BPF_ALU64 | BPF_ADD | BPF_X, 0, 1),
          isa.insn(BPF_ALU64 | BPF_ADD | BPF_X, 0, 2),
          isa.EXIT,
        ],
      },
    ],
  },
  'registers of the caller survive': {
    returns: 7 + 1 + 2,
    functions: [
      {
        name: 'prog',
        insns: [
          isa.move(6, 7),
          isa.move(1, 1),
          call,
          isa.insn(BPF_ALU64 | BPF_ADD | BPF_X, 6, 0),
          isa.move(1, 2),
          call,
          isa.insn(BPF_ALU64 | BPF_ADD | BPF_X, 0, 6),
          isa.EXIT,
        ],
        refers: { 2: { kind: 'call', name: 'f' }, 5: { kind: 'call', name: 'f' } },
      },
      { name: 'f', insns: [isa.copy(6, 1), isa.copy(0, 6), isa.EXIT] },
    ],
  },
  'frames of callers survive': {
    returns: 5 + 9,
    functions: [
      {
        name: 'prog',
        insns: [
          isa.move(6, 5),
          store(-8, 6),
          isa.copy(1, 10),
          isa.add(1, -8),
          call,
          isa.load(BPF_DW, 1, 10, -8),
          isa.insn(BPF_ALU64 | BPF_ADD | BPF_X, 0, 1),
          isa.EXIT,
        ],
        refers: { 4: { kind: 'call', name: 'f' } },
      },
      {
        name: 'f',
        insns: [
          isa.storeImmediate(BPF_DW, 10, -8, 9),
          isa.copy(2, 10),
          isa.add(2, -8),
          isa.load(BPF_DW, 0, 2),
          isa.EXIT,
        ],
      },
    ],
  },
};

describe.each<ByteOrder>(['little', 'big'])('%s endian', order => {
  test.each(Object.keys(PROGRAMS))('%s', name => {
    const { functions, returns } = PROGRAMS[name] ?? { functions: [], returns: 0 };
    const object = testObject(functions, order);
    expect(verdict(object)).toBe(returns);
    expect(verdict(rebuilt(object))).toBe(returns);
    expect(verdict(rebuilt(object, 'none'))).toBe(returns);
    expect(rebuilt(object).symbols[0]).not.toEqual(object.symbols[0]);
  });
});
