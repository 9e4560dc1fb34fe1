/** What is left out is reported: code without a symbol, and symbols of sections that are not loaded. */

import { describe, expect, test } from 'vitest';
import { build, R_ADDRESS, type Sample, sample, symbol } from '../../../test/hostile/object-sample.ts';
import { objectOf } from '../../../test/support/objects.ts';
import { link } from '../../link/link.ts';
import { writeObject } from '../write/write.ts';
import { readObject } from './read.ts';

const whole = objectOf('a.o', [
  { name: 'prog', kind: 'function', section: 'xdp' },
  { name: 'other', kind: 'function', section: 'tc' },
]);

/** The object without the symbol and the type of one function, whose code stays. */
function stripped(): Uint8Array {
  const symbols = whole.symbols.map(symbol =>
    symbol.name === 'other' ? { ...symbol, name: '', btfId: 0 } : symbol,
  );
  return writeObject({ ...whole, symbols });
}

const NOTE = 'section "tc": 16 bytes of code are left out: no symbol names them, and nothing calls them';

test('a section of code without a symbol', () => {
  const object = readObject({ name: 'a.o', bytes: stripped() });
  expect(object.notes).toEqual([`a.o: ${NOTE}`]);
  const result = link([object]);
  expect(result.ok ? result.notes : []).toContain(`a.o: ${NOTE}`);
  expect(result.ok ? result.report.notes : []).toContain(`a.o: ${NOTE}`);
});

test('strings that only code without a symbol uses go with it', () => {
  const parts = sample();
  mergeable(parts);
  parts.symbols.splice(
    parts.symbols.findIndex(({ name }) => name === 'prog'),
    1,
  );
  parts.ext.funcs.length = 0;
  const object = readObject({ name: 'a.o', bytes: build(parts) });
  expect(object.symbols.filter(({ name }) => name === '')).toEqual([]);
  const bytes = writeObject(object);
  expect(writeObject(readObject({ name: 'a.o', bytes }))).toEqual(bytes);
});

/** Code of `tc` refers to a string. */
function mergeable(parts: Sample): void {
  parts.data.set('.rodata.str1.1', Uint8Array.of(0x61, 0));
  parts.shells.set('.rodata.str1.1', { flags: 0x32, entsize: 1, align: 1 });
  parts.relocations.set('tc', [{ offset: 8, type: R_ADDRESS, symbol: '@.rodata.str1.1' }]);
}

test('code in a section that is not allocated is code', () => {
  const parts = sample();
  parts.shells.set('tc', { flags: 4 });
  const object = readObject({ name: 'a.o', bytes: build(parts) });
  expect(object.symbols.map(({ name }) => name)).toContain('prog');
});

describe('a section that is neither allocated nor code', () => {
  const notesOf = (names: readonly (readonly [string, number, number])[], flags = 0) => {
    const parts = sample();
    parts.data.set('facts', new Uint8Array(16));
    parts.shells.set('facts', { flags });
    for (const [name, binding, type] of names)
      parts.symbols.unshift(symbol(name, 'facts', 0, 8, { binding, type }));
    for (const order of ['little', 'big'] as const) {
      const object = readObject({ name: 'a.o', bytes: build(parts, order) });
      if (order === 'big') return object.notes;
    }
    return undefined;
  };
  const why = 'left out, since loaders do not load the section';
  const [LOCAL, GLOBAL, NOTYPE, OBJECT] = [0, 1, 0, 1];

  test('its symbols are left out, which is reported', () => {
    expect(notesOf([['version', LOCAL, OBJECT]])).toEqual([`a.o: section "facts": "version": ${why}`]);
    expect(notesOf([['mark', GLOBAL, NOTYPE]])).toEqual([`a.o: section "facts": "mark": ${why}`]);
  });

  test('of many a part is named', () => {
    const many = Array.from({ length: 7 }, (_, at) => [`v${6 - at}`, LOCAL, OBJECT] as const);
    expect(notesOf(many)).toEqual([`a.o: section "facts": "v0", "v1", "v2", "v3", "v4" and 2 more: ${why}`]);
  });

  test('a symbol in a section of types or of another kind', () => {
    const parts = sample();
    parts.symbols.push(symbol('astray', '.BTF', 0, 8));
    expect(readObject({ name: 'a.o', bytes: build(parts) }).notes).toEqual([
      `a.o: section ".BTF": "astray": ${why}`,
    ]);
  });

  test('labels of an assembler are nothing, and without symbols there is nothing to report', () => {
    expect(notesOf([['label', LOCAL, NOTYPE]])).toBeUndefined();
    expect(notesOf([])).toBeUndefined();
  });

  test('one that is allocated is data', () => {
    expect(notesOf([['version', LOCAL, OBJECT]], 2)).toBeUndefined();
  });
});

test('of a local and a global symbol of one name, BTF describes the one of its linkage', () => {
  const parts = sample();
  parts.symbols.unshift(symbol('counter', '.data', 0, 4, { binding: 0 }));
  const object = readObject({ name: 'a.o', bytes: build(parts) });
  const bytes = writeObject(object);
  expect(writeObject(readObject({ name: 'a.o', bytes }))).toEqual(bytes);
  const owner = object.symbols.find(
    ({ kind, binding, name }) => kind === 'variable' && binding === 'global' && name === 'counter',
  );
  expect(owner).not.toHaveProperty('aliasOf');
});

test('code with symbols', () => {
  expect(readObject({ name: 'a.o', bytes: writeObject(whole) }).notes).toBeUndefined();
});
