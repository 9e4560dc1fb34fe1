/**
 * LLVM jump tables of components. The compiler that tests use makes none, so that the code here is made by hand: a
 * function that loads the address of its table, whose entries are two of its own instructions.
 */

import { expect, test } from 'vitest';
import { parseElf } from '../../../src/elf/parse.ts';
import { link } from '../../../src/link/link.ts';
import type { BpfObject, VariableSymbol } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { chained, component, inSlots } from './shapes.ts';

/** `r1 = table; r0 = 2; exit`: entries are the instructions after the 16 bytes of the first. */
function withTable(name: string): BpfObject {
  const plain = component(name, [], []);
  const load = Uint8Array.from([0x18, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const table: VariableSymbol = {
    kind: 'variable',
    name: 'BPF.JT.0.0',
    binding: 'local',
    visibility: 'default',
    section: plain.sections.length,
    origin: { file: name, offset: 0 },
    size: 16,
    align: 8,
    bytes: new Uint8Array(16),
    btfId: 0,
    references: [16, 24].map((addend, entry) => ({
      kind: 'code-offset',
      offset: entry * 8,
      width: 8,
      symbol: 0,
      addend,
    })),
  };
  const symbols = plain.symbols.map(symbol => {
    if (symbol.kind !== 'function') return symbol;
    const code = Uint8Array.from([...load, ...symbol.code]);
    return {
      ...symbol,
      code,
      references: [{ insnIndex: 0, kind: 'address', symbol: plain.symbols.length, addend: 0 }] as const,
    };
  });
  return {
    ...plain,
    sections: [
      ...plain.sections,
      { name: '.jumptables', type: 1, flags: 0, align: 8, entsize: 0, role: 'data' },
    ],
    symbols: [...symbols, table],
  };
}

/** For each table of a written object: offsets of its targets in the function that uses it. */
function targets(bytes: Uint8Array): number[][] {
  const elf = parseElf({ name: 'x.o', bytes });
  const tables = elf.sections.find(section => section.name === '.jumptables')?.bytes ?? new Uint8Array(0);
  const object = readObject({ name: 'x.o', bytes });
  return object.symbols.flatMap(user => {
    if (user.kind !== 'function') return [];
    return user.references.flatMap(({ symbol }) => {
      const table = object.symbols[symbol];
      if (table?.kind !== 'variable' || object.sections[table.section]?.name !== '.jumptables') return [];
      const view = new DataView(tables.buffer, tables.byteOffset + table.origin.offset, table.size);
      return [[0, 8].map(at => Number(view.getBigUint64(at, true)) - user.origin.offset)];
    });
  });
}

test('what the reader makes of a table is what was written', () => {
  const object = withTable('a.o');
  expect(targets(writeObject(object))).toEqual([[16, 24]]);
  const read = readObject({ name: 'a.o', bytes: writeObject(object) }).symbols.find(
    symbol => symbol.name === 'BPF.JT.0.0',
  );
  expect(read).toMatchObject({ references: [{ kind: 'code-offset', addend: 16 }, { addend: 24 }] });
});

test('linked, each table follows the code of its own file', () => {
  const result = link([withTable('a.o'), { ...withTable('b.o') }], {
    edits: { redefine: [{ file: 'b.o', from: 'prog', to: 'other' }] },
  });
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  expect(targets(writeObject(result.object))).toEqual([
    [16, 24],
    [16, 24],
  ]);
});

test('re-linked, each table follows its program out of the program section', () => {
  const chain = chained(inSlots(withTable('a.o'), withTable('b.o')));
  expect(targets(writeObject(chain.object))).toEqual([
    [16, 24],
    [16, 24],
  ]);
  const lone = chained(inSlots(withTable('a.o')));
  expect(targets(writeObject(lone.object))).toEqual([[16, 24]]);
});
