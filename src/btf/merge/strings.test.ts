/** String tables in an image, and types in its columns. */

import { describe, expect, test } from 'vitest';
import { Image, UNIT } from '../../image/index.ts';
import { inEachForm } from '../../image/testing.ts';
import { btfOf, importTypes } from '../model/columns.ts';
import { INT, member, pointer, struct, typesOf } from '../model/testing.ts';
import * as texts from '../model/texts.kernel.ts';
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

describe('strings that begin inside of others', () => {
  const whole = `${'x'.repeat(100)}${'y'.repeat(100)}`;
  const table = new TextEncoder().encode(`\0short\0${whole}\0${whole}\0`);
  /** The whole, ends of it, the same in the second copy, and a short end. */
  const offsets = [7, 17, 106, 208, 218, 205, 1, 3];

  function eachForm(run: (image: Image) => unknown): unknown {
    let result: unknown;
    inEachForm(image => {
      result = run(image);
      return result;
    });
    return result;
  }

  /** Offsets in the new table, and the table. */
  function put(image: Image, given: readonly number[]): unknown {
    const unit = image.addUnit('a');
    image.set(UNIT.strings, unit, image.add(table));
    image.set(UNIT.stringSize, unit, table.length);
    const written = image.addUnit('b');
    image.run(strings).beginStrings(written, 0);
    const found = given.map(offset => {
      const name = image.run(texts).textName(unit, image.get(UNIT.strings, unit) + offset);
      return [image.nameText(name), image.run(strings).putString(name)];
    });
    return { found, text: textOf(image, written) };
  }

  test('have the same names in every copy, and stay ends when they are long', () => {
    const result = eachForm(image => put(image, offsets));
    const textAt = (offset: number): string => {
      const text = new TextDecoder().decode(table.subarray(offset));
      return text.slice(0, text.indexOf('\0'));
    };
    const places = [1, 11, 100, 1, 11, 202, 205, 211];
    expect(result).toEqual({
      found: offsets.map((offset, index) => [textAt(offset), places[index]]),
      text: `\0${whole}\0${whole.slice(198)}\0short\0ort\0`,
    });
  });

  test('bring the whole string along', () => {
    const result = eachForm(image => put(image, [17]));
    expect(result).toEqual({ found: [[whole.slice(10), 11]], text: `\0${whole}\0` });
  });

  test('may follow a string that has the same text', () => {
    const result = eachForm(image => {
      image.intern(whole.slice(10));
      return put(image, [17, 7]);
    });
    expect(result).toEqual({
      found: [
        [whole.slice(10), 1],
        [whole, 192],
      ],
      text: `\0${whole.slice(10)}\0${whole}\0`,
    });
  });
});
