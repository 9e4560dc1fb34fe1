/** Listings as lines, compared with the same symbols as objects and with lines that are laid out here. */

import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { type BpfObject, readObject, writeObject } from '../../object/index.ts';
import { inspect } from './inspect.ts';
import type { InspectedFunction, InspectedSymbol, InspectedVariable } from './inspection.ts';
import { listObject, type SymbolTable } from './listing.ts';

const SPECS: readonly SymbolSpec[] = [
  { name: 'main', kind: 'function', section: 'tc', context: '__sk_buff', calls: ['helper'] },
  { name: 'odd', kind: 'function', section: 'odd' },
  { name: 'hidden', kind: 'function', visibility: 'hidden' },
  { name: 'helper', kind: 'function', binding: 'local' },
  { name: 'optional', kind: 'function', binding: 'weak' },
  { name: 'count', kind: 'variable', size: 8 },
  { name: 'spare', kind: 'variable', binding: 'weak', visibility: 'hidden' },
  { name: 'elsewhere', kind: 'extern function' },
  { name: 'perhaps', kind: 'extern variable', binding: 'weak' },
  { name: 'bpf_printk', kind: 'kfunc' },
];
const SAMPLE = objectOf('a.o', SPECS);

function read(object: BpfObject): BpfObject {
  return readObject({ name: object.name, bytes: writeObject(object) });
}

const insns = ({ insns: count }: InspectedFunction): string => `${count} insns`;
const binding = (symbol: InspectedSymbol): string =>
  `${symbol.binding === 'local' ? 'static' : symbol.binding}${symbol.visibility === 'hidden' ? ', hidden' : ''}`;

/** The cells that a listing has to have, out of objects. */
function expectedCells(
  object: BpfObject,
): Record<'programs' | 'functions' | 'variables' | 'externs', string[][]> {
  const { programs, functions, variables, externs } = inspect(object);
  const head = (symbol: InspectedSymbol): string[] => [symbol.declaration, symbol.section];
  return {
    programs: programs.map(one => [...head(one), one.programType ?? 'unknown type', insns(one)]),
    functions: functions.map(one => [...head(one), binding(one), insns(one)]),
    variables: variables.map((one: InspectedVariable) => [...head(one), binding(one), `${one.size} bytes`]),
    externs: externs.map(head),
  };
}

function laidOut(rows: readonly (readonly string[])[], indent: number): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
  const lines = rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return lines.map(line => `${' '.repeat(indent)}${line}\n`).join('');
}

function linesOf(symbols: SymbolTable, indent: number): string | null {
  const lines = symbols.lines(indent);
  return lines === null ? null : [...lines].join('');
}

/** Compares all blocks of a listing; returns how many lines there are. */
function compare(object: BpfObject): number {
  const expected = expectedCells(object);
  const listing = listObject(object);
  let count = 0;
  for (const block of ['programs', 'functions', 'variables', 'externs'] as const) {
    expect(listing[block].cells()).toEqual(expected[block]);
    expect(linesOf(listing[block], 2)).toBe(laidOut(expected[block], 2));
    expect(listing[block].count).toBe(expected[block].length);
    count += listing[block].count;
  }
  return count;
}

describe('the lines of a listing', () => {
  test('have what objects have, read or built, with types or without', () => {
    expect(compare(read(SAMPLE))).toBe(SPECS.length);
    expect(compare(SAMPLE)).toBe(SPECS.length);
    const symbols = SAMPLE.symbols.map(symbol => ({ ...symbol, btfId: 0 }));
    expect(compare({ ...SAMPLE, symbols })).toBe(SPECS.length);
    expect(compare({ ...SAMPLE, symbols, btf: null })).toBe(SPECS.length);
  });

  test('have sizes of every number of digits', () => {
    const sizes = [0, 9, 10, 99, 100, 12_345, 999_999_999, 1_000_000_000, 2 ** 31 - 1];
    const object = objectOf(
      'sizes.o',
      sizes.map((_, index) => ({ name: `v${index}`, kind: 'variable', section: `.bss.${index}` })),
    );
    const symbols = object.symbols.map((symbol, index) =>
      symbol.kind === 'variable' ? { ...symbol, size: sizes[index] ?? 0, bytes: null } : symbol,
    );
    const cells = symbols.map((_, index) => `${sizes[index] ?? 0} bytes`);
    const { variables } = listObject({ ...object, symbols });
    expect(variables.cells().map(row => row[3])).toEqual(cells);
    expect(linesOf(variables, 0)).toBe(laidOut(variables.cells(), 0));
  });

  test('are written in several pieces when there are many', () => {
    const many = Array.from({ length: 3000 }, (_, index) => ({
      name: `function_${'x'.repeat(index % 40)}_${index}`,
      kind: 'function' as const,
    }));
    const object = read(objectOf('many.o', many));
    const lines = listObject(object).functions.lines(2);
    expect(Array.from(lines ?? []).length).toBeGreaterThan(2);
    expect(compare(object)).toBe(3000);
  });

  test.for(['bad\u001b[31m', 'größe', 'long'.repeat(20_000)])('are not written for the name %j', name => {
    const symbols = SAMPLE.symbols.map((symbol, index) =>
      index === 2 ? { ...symbol, name, btfId: 0 } : symbol,
    );
    const { functions } = listObject({ ...SAMPLE, symbols });
    expect(functions.lines(2)).toBeNull();
    expect(functions.cells()).toEqual(expectedCells({ ...SAMPLE, symbols }).functions);
  });
});
