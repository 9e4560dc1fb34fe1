/** Code of graphs: jumps that do not reach, inverted branches, line records. */

import { describe, expect, test } from 'vitest';
import { EXIT, move as number } from '../../../isa/assemble.ts';
import { disassemble } from '../../../isa/disasm.ts';
import { CodeView } from '../../../isa/opcodes.ts';
import { Refusal } from '../model/refusal.ts';
import { graphOf, node } from '../testing.ts';
import { LineWriter } from './line-writer.ts';
import { lower } from './lower.ts';

const lineOf = (line: number) => ({ insnIndex: 0, file: 'a.c', text: 'x', line, column: 1 });

describe('lines', () => {
  test('a record where the line changes, also to none', () => {
    const lines = new LineWriter();
    [null, lineOf(3), { ...lineOf(3), insnIndex: 9 }, lineOf(4), null, null].forEach((line, at) => {
      lines.add(at, line);
    });
    expect(lines.records().map(({ insnIndex, line }) => [insnIndex, line])).toEqual([
      [0, 0],
      [1, 3],
      [3, 4],
      [4, 0],
    ]);
  });

  test('nothing known: no records', () => {
    const lines = new LineWriter();
    lines.add(0, null);
    expect(lines.records()).toEqual([]);
  });
});

/** A branch over `count` instructions. */
function longBranch(condition: string, count: number) {
  const graph = graphOf(`
    if ${condition} goto far
    r0 = 1
    exit
  far:
    r0 = 2
    exit
  `);
  const filler = Array.from({ length: count }, () => node(number(0, 1)));
  const block = graph.blocks.find(({ ins }) => ins[0]?.imm === 1);
  block?.ins.push(...filler);
  return graph;
}

/** r0 at exit, of code that only moves numbers and jumps. */
function run(code: Uint8Array, r1: number): number {
  const view = new CodeView(code, 'little');
  let r0 = 0;
  for (let at = 0; ; at++) {
    const { opcode, imm, offset } = view.at(at);
    if (opcode === EXIT.opcode) return r0;
    if (opcode === 0xb7) r0 = imm;
    else if (opcode === 0x05) at += offset;
    else if (opcode === 0x06) at += imm;
    else if (opcode === 0x15 ? r1 === imm : opcode === 0x55 ? r1 !== imm : (r1 & imm) !== 0) at += offset;
  }
}

describe('jumps', () => {
  test.each(['r1 == 4', 'r1 & 4'])('if %s that is too long becomes gotol', condition => {
    const far = lower(longBranch(condition, 40_000), 'little', true);
    expect([run(far.code, 4), run(far.code, 3)]).toEqual([2, 1]);
    expect(disassemble(new CodeView(far.code, 'little')).some(({ text }) => text.includes('gotol'))).toBe(
      true,
    );
    expect(() => lower(longBranch(condition, 40_000), 'little', false)).toThrow(Refusal);
    const near = lower(longBranch(condition, 32_000), 'little', false);
    expect([run(near.code, 4), run(near.code, 3)]).toEqual([2, 1]);
  });
});
