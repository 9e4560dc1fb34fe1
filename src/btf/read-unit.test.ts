/** Types and records of a unit, in both byte orders: what the columns have is what was encoded. */

import { describe, expect, test } from 'vitest';
import { FUNCTION_INFO, Image, SECTION, TYPE, UNIT } from '../image/index.ts';
import { recordsOf } from './binary/records-of.ts';
import { encodeBtfWithExt } from './binary/testing.ts';
import { btfOf } from './model/columns.ts';
import { INT, typesOf } from './model/testing.ts';
import { readUnitTypes } from './read-unit.ts';

const TYPES = typesOf(INT, { kind: 'func_proto', returns: 1, params: [] }, {
  kind: 'func',
  name: 'f',
  type: 2,
  linkage: 'global',
} as const);
const line = (insnIndex: number, text: string) => ({ insnIndex, file: 'a.c', text, line: 7, column: 2 });
const RECORDS = {
  funcs: [{ section: 'xdp', byteOffset: 8, type: 3 }],
  lines: [{ section: 'xdp', byteOffset: 0, lines: [line(1, 'one'), line(4, 'two')] }],
  core: [{ section: 'xdp', byteOffset: 8, type: 1, access: '0:1', kind: 0 }],
};

function unitOf(image: Image, contents: Readonly<Record<string, Uint8Array>>, order: number): number {
  const unit = image.addUnit('a.o');
  const names = Object.keys(contents);
  const first = image.addRows(SECTION, names.length);
  image.set(UNIT.order, unit, order);
  image.set(UNIT.sections, unit, first);
  image.set(UNIT.sectionCount, unit, names.length);
  for (const [index, name] of names.entries()) {
    const bytes = contents[name] ?? new Uint8Array(0);
    image.set(SECTION.name, first + index, image.intern(name));
    image.set(SECTION.at, first + index, image.add(bytes));
    image.set(SECTION.size, first + index, bytes.length);
  }
  return unit;
}

describe.each(['little', 'big'] as const)('a %s-endian unit', order => {
  const { btf, ext } = encodeBtfWithExt(TYPES, RECORDS, order);
  const image = new Image();
  const unit = unitOf(image, { '.BTF': btf, '.BTF.ext': ext ?? new Uint8Array(0) }, order === 'big' ? 1 : 0);
  readUnitTypes(image, unit);

  test('has the types in columns', () => {
    expect(image.get(UNIT.typeCount, unit)).toBe(3);
    expect(image.get(UNIT.typed, unit)).toBe(1);
    const start = image.get(TYPE.start, image.get(UNIT.types, unit) + 3);
    expect((image.words[start + 1] ?? 0) >>> 24).toBe(12);
    expect(image.get(FUNCTION_INFO.type, image.get(UNIT.functionInfos, unit))).toBe(3);
  });

  test('gives types and records on demand', () => {
    const types = btfOf(image, unit);
    expect([1, 2, 3].map(id => types.type(id))).toEqual([1, 2, 3].map(id => TYPES.type(id)));
    const { lines, ...others } = recordsOf(image, unit, types);
    expect({ ...others, lines: lines.map(part => ({ ...part, lines: [...part.lines] })) }).toEqual(RECORDS);
  });
});

describe('a unit with types that break a rule', () => {
  const { btf, ext } = encodeBtfWithExt(TYPES, RECORDS, 'little');

  test('is read without them where the caller takes that', () => {
    const image = new Image();
    const unit = unitOf(image, { '.BTF': btf.subarray(0, 30), '.BTF.ext': ext ?? new Uint8Array(0) }, 0);
    const caught: unknown[] = [];
    const step = (section: string, body: () => void): void => {
      try {
        body();
      } catch {
        caught.push(section);
      }
    };
    readUnitTypes(image, unit, { step });
    expect(caught).toEqual(['.BTF']);
    expect(image.get(UNIT.typed, unit)).toBe(0);
  });

  test('is as before when they are refused', () => {
    const cut = btf.slice();
    cut[24 + 7] = 0x7f; // kind of the first type
    const image = new Image();
    const unit = unitOf(image, { '.BTF': cut, '.BTF.ext': ext ?? new Uint8Array(0) }, 0);
    expect(() => readUnitTypes(image, unit)).toThrow('section ".BTF": type 1: kind 127 is not known');
    const columns = [
      UNIT.typed,
      UNIT.types,
      UNIT.typeCount,
      UNIT.words,
      UNIT.strings,
      UNIT.functionInfoCount,
    ];
    expect(columns.map(column => image.get(column, unit))).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
