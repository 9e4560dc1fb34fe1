import { describe, expect, test } from 'vitest';
import { ATOM, Image, RECORD, REFERENCE, SHELL, TYPE, UNIT } from '../../image/index.ts';
import { objectOf, unitOf } from './object-of.ts';
import { setExtras } from './unit-extras.ts';

/** A row with the given columns; returns it. */
function row<Name extends string>(
  image: Image,
  table: Parameters<Image['addRows']>[0] & { readonly [N in Name]: number },
  values: { readonly [N in Name]?: number },
): number {
  const at = image.addRows(table, 1);
  for (const [name, value] of Object.entries<number | undefined>(values))
    if (value !== undefined) image.set(table[name as Name], at, value);
  return at;
}

/** A function that calls an extern and reads a variable with an alias. */
function sample(): { readonly image: Image; readonly unit: number } {
  const image = new Image();
  const unit = image.addUnit('a.o');
  const code = image.add(new Uint8Array(24).fill(7));
  const data = image.add(new Uint8Array([1, 2, 3, 4]));
  const strings = image.add(new TextEncoder().encode('\0f\0a.c\0text\x000:1\0'));
  const words = image.add(new Uint8Array(new Uint32Array([1, 0x0c000001, 0, 8, 3, 7, 1029]).buffer)) >> 2;
  const types = image.addRows(TYPE, 2);
  image.set(TYPE.start, types + 1, words);
  const shells = row(image, SHELL, {
    unit,
    name: image.intern('.text'),
    type: 1,
    flags: 6,
    align: 8,
    role: 0,
  });
  row(image, SHELL, { unit, name: image.intern('.data'), type: 1, flags: 3, align: 4, role: 1 });
  const references = row(image, REFERENCE, { kind: 0, place: 1, addend: 0 });
  row(image, REFERENCE, { kind: 1, place: 2, addend: 4 });
  const records = row(image, RECORD, { place: 2, type: 1, access: 12, kind: 3 });
  const common = { unit, source: unit };
  const atoms = row(image, ATOM, {
    ...common,
    kind: 0,
    name: image.intern('f'),
    binding: 1,
    shell: shells,
    size: 24,
    align: 8,
    at: code,
    type: 1,
    references,
    referenceCount: 2,
    lines: words + 3,
    lineCount: 1,
    records,
    recordCount: 1,
  });
  const variable = { ...common, kind: 1, shell: shells + 1, size: 4, align: 4, at: data };
  row(image, ATOM, { ...variable, name: image.intern('v'), offset: 4, comdat: image.intern('v') });
  row(image, ATOM, { ...variable, name: image.intern('w'), offset: 4, binding: 2, owner: atoms + 1 });
  row(image, ATOM, {
    ...common,
    kind: 3,
    name: image.intern('k'),
    binding: 1,
    section: image.intern('.ksyms'),
  });
  image.set(REFERENCE.atom, references, atoms + 3);
  image.set(REFERENCE.atom, references + 1, atoms + 1);
  const unitColumns = {
    flags: 3,
    shells,
    shellCount: 2,
    atoms,
    atomCount: 4,
    types,
    typeCount: 1,
    typed: 1,
    words,
    wordCount: 3,
    strings,
    stringSize: 16,
  };
  for (const [name, value] of Object.entries(unitColumns))
    image.set(UNIT[name as keyof typeof unitColumns], unit, value);
  return { image, unit };
}

describe('an object made of columns', () => {
  test('has what they say', () => {
    const { image, unit } = sample();
    const object = objectOf(image, unit);
    expect(object).toMatchObject({ name: 'a.o', byteOrder: 'little', flags: 3 });
    expect(object.sections).toEqual([
      { name: '.text', type: 1, flags: 6, align: 8, entsize: 0, role: 'code' },
      { name: '.data', type: 1, flags: 3, align: 4, entsize: 0, role: 'data' },
    ]);
    const [f, v, w, k] = object.symbols;
    expect(f).toMatchObject({
      kind: 'function',
      name: 'f',
      binding: 'global',
      btfId: 1,
      section: 0,
      origin: { file: 'a.o', offset: 0 },
      references: [
        { insnIndex: 1, kind: 'call', symbol: 3, addend: 0 },
        { insnIndex: 2, kind: 'address', symbol: 1, addend: 4 },
      ],
      coreRecords: [{ insnIndex: 2, type: 1, access: '0:1', kind: 3 }],
    });
    expect(f?.kind === 'function' && [...f.lines]).toEqual([
      { insnIndex: 1, file: 'a.c', text: 'text', line: 1, column: 5 },
    ]);
    expect(v).toMatchObject({ kind: 'variable', name: 'v', size: 4, align: 4, comdat: 'v', section: 1 });
    expect(w).toMatchObject({ name: 'w', binding: 'weak', aliasOf: 1, bytes: new Uint8Array([1, 2, 3, 4]) });
    expect(k).toEqual({
      kind: 'extern',
      name: 'k',
      binding: 'global',
      visibility: 'default',
      btfId: 0,
      section: '.ksyms',
    });
    expect(object.btf?.type(1)).toMatchObject({ kind: 'func', name: 'f', linkage: 'global' });
  });

  test('lets the image go once all of it was made, and is then independent of it', () => {
    const { image, unit } = sample();
    const object = objectOf(image, unit);
    expect(unitOf(object)).toEqual({ image, unit });
    const { symbols } = object;
    image.bytes.fill(0);
    expect(symbols[0]?.name).toBe('f');
    expect(object.symbols).toBe(symbols);
    expect([object.sections, object.btf, unitOf(object)].at(-1)).toBeUndefined();
  });

  test('is an ordinary object for those who copy it', () => {
    const { image, unit } = sample();
    setExtras(image, unit, { notes: ['a note'], faults: [], faultsOf: new Map() });
    const object = objectOf(image, unit);
    const copy = { ...object, name: 'b.o' };
    expect(Object.keys(copy)).toEqual(['name', 'byteOrder', 'flags', 'sections', 'symbols', 'btf', 'notes']);
    expect(unitOf(copy)).toBeUndefined();
    expect(copy.symbols).toBe(object.symbols);
  });
});

test('objects have one shape: own properties with the same functions', () => {
  const [a, b] = [sample(), sample()].map(({ image, unit }) => objectOf(image, unit));
  const of = (object: object | undefined) => Object.getOwnPropertyDescriptors(object ?? {});
  for (const part of ['sections', 'symbols', 'btf']) {
    expect(Object.keys(a ?? {})).toContain(part);
    expect(Reflect.get(of(a), part)).toEqual(Reflect.get(of(b), part));
  }
  expect({ ...a }).toEqual({ ...b });
});
