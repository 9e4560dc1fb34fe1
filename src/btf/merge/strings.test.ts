/** String tables in an image, and types in its columns. */

import { describe, expect, test } from 'vitest';
import { Image, UNIT } from '../../image/index.ts';
import { btfOf, importTypes } from '../model/columns.ts';
import { INT, member, pointer, struct, typesOf } from '../model/testing.ts';
import * as strings from './strings.kernel.ts';

function textOf(image: Image, unit: number): string {
  const at = image.get(UNIT.strings, unit);
  return new TextDecoder().decode(image.bytes.slice(at, at + image.get(UNIT.stringSize, unit)));
}

describe('a string table', () => {
  test('has each string once, in the order in which they were put', () => {
    const image = new Image();
    const unit = image.addUnit('a');
    const [one, two] = [image.intern('one'), image.intern('two')];
    const { beginStrings, putString } = image.run(strings);
    beginStrings(unit, 0);
    expect([two, one, 0, two].map(name => putString(name))).toEqual([1, 5, 0, 1]);
    expect(textOf(image, unit)).toBe('\0two\0one\0');
  });

  test('grows, and a second one begins empty', () => {
    const image = new Image();
    const names = Array.from({ length: 5000 }, (_, index) =>
      image.intern(`${index}`.padStart(index % 70, '-')),
    );
    for (const unit of [image.addUnit('a'), image.addUnit('b')]) {
      const { beginStrings, putString } = image.run(strings);
      beginStrings(unit, 1);
      const offsets = names.map(name => putString(name));
      const text = textOf(image, unit);
      for (const [index, offset] of offsets.entries()) {
        expect(text.slice(offset, text.indexOf('\0', offset))).toBe(`${index}`.padStart(index % 70, '-'));
      }
    }
  });
});

test('types go into columns and out again', () => {
  const btf = typesOf(INT, pointer(1), struct('s', 4, member('m', 1, 0)), struct('t', 4));
  const image = new Image();
  importTypes(image, image.addUnit('a'), typesOf(INT));
  const unit = image.addUnit('b');
  importTypes(image, unit, btf);
  const out = btfOf(image, unit);
  expect([out.words, out.start, out.strings]).toEqual([btf.words, btf.start, btf.strings]);
});
