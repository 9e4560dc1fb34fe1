/** Large programs: what the passes add and how long they take stays in proportion to what is there. */

import { describe, expect, test } from 'vitest';
import * as isa from '../../isa/assemble.ts';
import { BPF_JEQ, BPF_JMP, BPF_K, BPF_W } from '../../isa/opcodes.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { createMachine } from '../../vm/run/machine.ts';
import { type TestFunction, testObject } from '../../vm/testing.ts';
import { optimize } from './optimize.ts';

/** A program that calls `f` many times; `f` compares one field of the context, so that each call is decided. */
function manyCalls(count: number): BpfObject {
  const calls = Array.from({ length: count }, () => [isa.copy(1, 6), isa.callFunction(-1), isa.copy(8, 0)]);
  const insns = [isa.copy(6, 1), ...calls.flat(), isa.copy(0, 8), isa.EXIT];
  const refers: Record<number, { readonly kind: 'call'; readonly name: string }> = {};
  for (let at = 0; at < count; at++) refers[2 + 3 * at] = { kind: 'call', name: 'f' };
  const f: TestFunction = {
    name: 'f',
    insns: [
      isa.load(BPF_W, 0, 1, 16),
      isa.insn(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 3),
      isa.move(0, 2),
      isa.EXIT,
    ],
  };
  return testObject([{ name: 'prog', insns, refers }, f]);
}

describe('calls that are decided by the first one', () => {
  test.each([100, 1500])('%i of them do not add up to more than there was', count => {
    const before = manyCalls(count);
    const { object, report } = optimize(before, { inline: 'all' });
    const [{ refused, insns, inlined } = { refused: 'nothing', insns: null, inlined: [] }] = report.programs;
    expect(refused).toBeNull();
    expect(inlined).toHaveLength(count);
    expect(insns?.after).toBeLessThan(insns?.before ?? 0);
    const packet = new Uint8Array(64);
    expect(createMachine(object).run(packet).verdict).toBe(createMachine(before).run(packet).verdict);
  });
});
