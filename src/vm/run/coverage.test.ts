import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorOf } from '../../btf/model/testing.ts';
import type { Insn } from '../../isa/opcodes.ts';
import { readObject } from '../../object/read/read.ts';
import { testObject } from '../testing.ts';
import type { Coverage } from './coverage.ts';
import { createMachine } from './machine.ts';

const PACKET = new Uint8Array(64);
const SOURCE = readFileSync(path.join(import.meta.dirname, '../../load/testdata/typed.bpf.c'), 'utf8').split(
  '\n',
);

function typed(order: string) {
  const file = path.join(import.meta.dirname, `../../load/testdata/obj/${order}/typed.bpf.o`);
  return readObject({ name: 'typed.bpf.o', bytes: readFileSync(file) });
}

/** Runs of the line of the source that has the text. */
function runsOf({ files }: Coverage, text: string): number | undefined {
  return files[0]?.lines.get(SOURCE.findIndex(line => line.includes(text)) + 1);
}

const insn = (opcode: number, fields: Partial<Insn> = {}): Insn => ({
  ...{ opcode, dst: 0, src: 0, offset: 0, imm: 0 },
  ...fields,
});
const MOV = 0xb7;
const ADD = 0x07;
const JLT = 0xa5;
const LOAD = 0x79;
const CALL = 0x85;
const EXIT = 0x95;

/** The machine of a program whose instruction n is on line n + 1. */
function machineOf(insns: readonly Insn[], others: Parameters<typeof testObject>[0] = []) {
  const lines = (count: number, from: number) =>
    Array.from({ length: count }, (_, insnIndex) => {
      return { insnIndex, file: 'a.c', text: '', line: from + insnIndex, column: 1 };
    });
  const functions = [
    {
      name: 'main',
      insns,
      lines: lines(insns.length, 1),
      refers: { 1: { kind: 'call', name: 'f' } as const },
    },
    ...others.map((fn, at) => ({ ...fn, lines: lines(fn.insns.length, 100 * (at + 1)) })),
  ];
  const [main, ...rest] = functions;
  const own = others.length === 0 && main !== undefined ? [{ ...main, refers: {} }] : [main, ...rest];
  return createMachine(testObject(own.filter(fn => fn !== undefined)), { coverage: true });
}

function linesOf(coverage: Coverage): Record<string, number> {
  return Object.fromEntries(coverage.files[0]?.lines ?? []);
}

describe.each(['el', 'eb'])('lines of a C file, in byte order %s', order => {
  const machine = createMachine(typed(order), { coverage: true });

  test('have not run before anything does', () => {
    const [file] = machine.coverage().files;
    expect(file?.name).toBe('typed.bpf.c');
    expect([...(file?.lines.values() ?? [])].every(count => count === 0)).toBe(true);
    expect(file?.functions).toEqual([
      { name: 'watch', line: expect.any(Number), count: 0 },
      { name: 'send', line: expect.any(Number), count: 0 },
    ]);
  });

  test('count each run, and what is not taken counts nothing', () => {
    for (let n = 0; n < 3; n++) machine.run(PACKET, { program: 'watch' });
    const coverage = machine.coverage();
    expect(runsOf(coverage, 'stats->packets++')).toBe(2);
    expect(runsOf(coverage, 'bpf_map_update_elem(&flows')).toBe(1);
    expect(runsOf(coverage, '*count += 1')).toBe(3);
    expect(runsOf(coverage, 'bpf_perf_event_output')).toBe(0);
    expect(runsOf(coverage, 'enum color {')).toBeUndefined();
    expect(coverage.files[0]?.functions.map(({ name, count }) => [name, count])).toEqual([
      ['watch', 3],
      ['send', 0],
    ]);
  });
});

describe('instructions', () => {
  test('of a loop count each round', () => {
    const machine = machineOf([
      insn(MOV), // 1
      insn(ADD, { imm: 1 }), // 2
      insn(JLT, { imm: 5, offset: -2 }), // 3
      insn(EXIT), // 4
    ]);
    machine.run(PACKET);
    expect(linesOf(machine.coverage())).toEqual({ 1: 1, 2: 5, 3: 5, 4: 1 });
  });

  test('after one that ends the run have not run, in callers either', () => {
    const machine = machineOf(
      [insn(MOV), insn(CALL, { src: 1, imm: -1 }), insn(MOV), insn(EXIT)],
      [{ name: 'f', insns: [insn(MOV, { dst: 2 }), insn(LOAD, { src: 2 }), insn(MOV), insn(EXIT)] }],
    );
    expect(() => machine.run(PACKET)).toThrow(/invalid read/);
    expect(linesOf(machine.coverage())).toEqual({ 1: 1, 2: 1, 3: 0, 4: 0, 100: 1, 101: 1, 102: 0, 103: 0 });
    expect(machine.coverage().files[0]?.functions).toEqual([
      { name: 'main', line: 1, count: 1 },
      { name: 'f', line: 100, count: 1 },
    ]);
  });

  test('cannot be asked for where nothing counts', () => {
    expect(errorOf(() => createMachine(typed('el')).coverage()).code).toBe('vm-no-coverage');
  });

  test('have the same results with counters', () => {
    const [plain, counting] = [false, true].map(coverage => createMachine(typed('el'), { coverage }));
    for (let n = 0; n < 20; n++) {
      const [one, other] = [plain, counting].map(
        machine => machine?.run(PACKET, { program: 'watch' }).verdict,
      );
      expect(one).toBe(other);
    }
    expect(counting?.events()).toEqual(plain?.events());
  });
});

describe('a tracefile', () => {
  /** What geninfo(1) allows on a line of a record, without branches and checksums. */
  const GRAMMAR = /^(TN:\w*|SF:.+|FN:\d+,.+|FNDA:\d+,.+|FN[FH]:\d+|DA:\d+,\d+|L[FH]:\d+|end_of_record)$/;
  const machine = createMachine(typed('el'), { coverage: true });
  machine.run(PACKET, { program: 'watch' });
  const text = machine.coverage().lcov('my test');
  const lines = text.trimEnd().split('\n');

  test('has records of the documented form, which end', () => {
    expect(lines.filter(line => !GRAMMAR.test(line))).toEqual([]);
    expect(lines[0]).toBe('TN:my_test');
    expect(lines[1]).toBe('SF:typed.bpf.c');
    expect(lines.at(-1)).toBe('end_of_record');
    expect(text.endsWith('\n')).toBe(true);
  });

  test('has totals that agree with its lines', () => {
    const fields = (key: string) =>
      lines.flatMap(line => (line.startsWith(`${key}:`) ? [line.slice(key.length + 1)] : []));
    const ran = (key: string, at: number) =>
      fields(key).filter(field => Number(field.split(',')[at]) > 0).length;
    expect(Number(fields('LF')[0])).toBe(fields('DA').length);
    expect(Number(fields('LH')[0])).toBe(ran('DA', 1));
    expect(Number(fields('LH')[0])).toBeGreaterThan(10);
    expect(fields('FN').map(field => field.split(',')[1])).toEqual(['watch', 'send']);
    expect(fields('FNDA')).toEqual(['1,watch', '0,send']);
    expect([fields('FNF')[0], fields('FNH')[0]]).toEqual(['2', '1']);
  });

  test('has no line that a name of a file would make', () => {
    const object = testObject([
      {
        name: 'f\nDA:1,1',
        insns: [insn(MOV), insn(EXIT)],
        lines: [{ insnIndex: 0, file: 'a\nend_of_record', text: '', line: 7, column: 1 }],
      },
    ]);
    const hostile = createMachine(object, { coverage: true }).coverage().lcov('\nSF:x');
    expect(hostile.split('\n').filter(line => line !== '' && !GRAMMAR.test(line))).toEqual([]);
    expect(hostile.match(/^(DA|SF|end_of_record)/gm)).toEqual(['SF', 'DA', 'end_of_record']);
  });
});
