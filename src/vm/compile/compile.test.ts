import { describe, expect, test } from 'vitest';
import { EXIT, insn } from '../../isa/assemble.ts';
import type { Insn } from '../../isa/opcodes.ts';
import { createMachine } from '../run/machine.ts';
import { testObject } from '../testing.ts';
import { planCalls } from './analysis/call-graph.ts';
import { controlFlow } from './analysis/cfg.ts';
import { codeUnit, formatLine, lineAt } from './analysis/unit.ts';
import { ANY, analyseValues, constant } from './analysis/values.ts';

function unitOf(...insns: readonly Insn[]) {
  const object = testObject([{ name: 'main', insns }]);
  const [main] = object.symbols;
  if (main?.kind !== 'function') throw new Error('no function');
  return codeUnit(object, 0, main);
}

const flowOf = (...insns: readonly Insn[]) => controlFlow('test.o', unitOf(...insns));
const ZERO = insn(0xb7, 0, 0, 0, 0);

describe('control flow', () => {
  test('a diamond with a loop around it', () => {
    const flow = flowOf(
      ZERO, // 0
      insn(0x15, 1, 0, 2, 0), // 1: to 4
      insn(0x07, 0, 0, 0, 1), // 2
      insn(0x05, 0, 0, 1), // 3: to 5
      insn(0x07, 0, 0, 0, 2), // 4
      insn(0xa5, 0, 0, -5, 9), // 5: back to 1
      EXIT,
    );
    expect(flow.blocks.map(block => block.start)).toEqual([0, 1, 2, 4, 5, 6]);
    expect(flow.dominator).toEqual([0, 0, 1, 1, 1, 4]);
    expect(flow.predecessors).toEqual([[], [0, 4], [1], [1], [2, 3], [4]]);
    expect(flow.reducible).toBe(true);
  });

  /** Into the middle of a loop from outside. */
  const TWO_ENTRIES = [
    ZERO, // 0
    insn(0x15, 1, 0, 1, 0), // 1: to 3
    insn(0x07, 0, 0, 0, 1), // 2
    insn(0x07, 0, 0, 0, 10), // 3
    insn(0xa5, 0, 0, -3, 50), // 4: back to 2
    EXIT,
  ];

  test('a loop with two entries is not reducible, and runs all the same', () => {
    expect(flowOf(...TWO_ENTRIES).reducible).toBe(false);
    const machine = createMachine(
      testObject([{ name: 'main', insns: [insn(0xb7, 1, 0, 0, 0), ...TWO_ENTRIES] }]),
    );
    expect(machine.run(new Uint8Array(14)).verdict).toBe(54);
    const other = createMachine(
      testObject([{ name: 'main', insns: [insn(0xb7, 1, 0, 0, 1), ...TWO_ENTRIES] }]),
    );
    expect(other.run(new Uint8Array(14)).verdict).toBe(55);
  });

  test('an infinite loop with two entries is stopped', () => {
    const insns = [...TWO_ENTRIES.slice(0, 4), insn(0xa5, 0, 0, -3, -1), EXIT];
    const machine = createMachine(testObject([{ name: 'main', insns }]), { budget: 1000 });
    expect(() => machine.run(new Uint8Array(14))).toThrow(/insn \d: still running after 1000 backward jumps/);
  });

  test('code that nothing reaches is left out', () => {
    expect(flowOf(ZERO, EXIT, insn(0x07, 0, 0, 0, 1), insn(0x05, 0, 0, -2)).blocks).toHaveLength(1);
  });

  test('a jump to the next instruction is not a branch', () => {
    const flow = flowOf(ZERO, insn(0x15, 0, 0, 0, 5), EXIT);
    expect(flow.blocks.map(block => block.terminator.kind)).toEqual(['jump', 'exit']);
  });

  test('deep nesting needs no deep stack', () => {
    const depth = 20_000;
    const nested = Array.from({ length: depth }, (_, i) => [
      insn(0x15, 1, 0, 1, i),
      insn(0x07, 0, 0, 0, 1),
    ]).flat();
    const machine = createMachine(
      testObject([{ name: 'main', insns: [ZERO, insn(0xb7, 1, 0, 0, 3), ...nested, EXIT] }]),
    );
    expect(machine.run(new Uint8Array(14)).verdict).toBe(depth - 1);
  });
});

describe('values', () => {
  const valuesOf = (...insns: readonly Insn[]) => {
    const unit = unitOf(...insns);
    return analyseValues(unit, controlFlow('test.o', unit), constant(0x11000n), () => 0x5000n);
  };

  test('what both ways agree on is known', () => {
    const { atBlock } = valuesOf(
      insn(0xbf, 6, 1),
      insn(0x15, 0, 0, 2, 0),
      insn(0xb7, 7, 0, 0, 1),
      insn(0x05, 0, 0, 1),
      insn(0xb7, 7, 0, 0, 2),
      EXIT,
    );
    const last = atBlock.at(-1);
    expect(last?.[6]).toEqual(constant(0x11000n));
    expect(last?.[7]).toEqual(ANY);
  });

  test('a register that a loop changes is not known', () => {
    const { atBlock } = valuesOf(
      insn(0xb7, 6, 0, 0, 0),
      insn(0x07, 6, 0, 0, 1),
      insn(0xa5, 6, 0, -2, 9),
      EXIT,
    );
    expect(atBlock.map(state => state[6])).toEqual([ANY, ANY, ANY]);
  });

  test('stack is what is accessed or passed', () => {
    expect(valuesOf(ZERO, EXIT).stackDepth).toBe(0);
    expect(valuesOf(insn(0x7b, 10, 1, -16), ZERO, EXIT).stackDepth).toBe(16);
    const passed = [insn(0xbf, 2, 10), insn(0x07, 2, 0, 0, -40), insn(0x85, 0, 0, 0, 1), EXIT];
    expect(valuesOf(...passed).stackDepth).toBe(40);
  });
});

describe('call plans', () => {
  const node = (symbol: number, stackDepth: number, ...callees: number[]) => ({
    symbol,
    stackDepth,
    callees,
  });

  test.each([
    ['nothing to count', [node(0, 0, 1), node(1, 0)], false],
    ['two ways to one function', [node(0, 100, 1, 2), node(1, 100, 3), node(2, 100, 3), node(3, 100)], false],
    ['too much stack on the longer way', [node(0, 256, 1, 2), node(1, 256, 2), node(2, 1)], true],
    ['nine frames', Array.from({ length: 9 }, (_, i) => node(i, 0, i + 1)), true],
    ['a circle', [node(0, 0, 1), node(1, 0, 0)], true],
    ['a call of itself', [node(0, 0, 0)], true],
  ])('%s', (_, nodes, checked) => {
    expect(planCalls(nodes).checked).toBe(checked);
  });

  test('frames count in steps of 16 bytes, and nothing where no stack is used', () => {
    const plan = planCalls([node(0, 0), node(1, 33)]);
    expect([plan.frameBytes(0), plan.frameBytes(1)]).toEqual([0, 48]);
  });
});

describe('places', () => {
  const line = (insnIndex: number) => ({
    insnIndex,
    file: '/home/x/a.bpf.c',
    text: '\treturn 0; ',
    line: 7 + insnIndex,
    column: 1,
  });

  test('the C line of an instruction is the last one that starts at or before it', () => {
    const lines = [line(1), line(4)];
    expect([0, 1, 3, 4, 9].map(slot => lineAt(lines, slot)?.line)).toEqual([undefined, 8, 8, 11, 11]);
  });

  test('directories of the compiling machine are left out', () => {
    expect(formatLine(line(0))).toBe('a.bpf.c:7: return 0;');
    expect(formatLine({ ...line(0), text: '' })).toBe('a.bpf.c:7');
  });
});

test('may_goto ends a loop that nothing else ends', () => {
  const insns = [ZERO, insn(0xe5, 0, 0, 2), insn(0x07, 0, 0, 0, 1), insn(0x05, 0, 0, -3), EXIT];
  expect(createMachine(testObject([{ name: 'main', insns }])).run(new Uint8Array(14)).verdict).toBe(1 << 23);
});
