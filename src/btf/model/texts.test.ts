/** NAMEs of strings of types: by a pass over the text, by what followed before, as ends of long ones, by keys. */

import { describe, expect, test } from 'vitest';
import { collidingNames } from '../../../test/hostile/collisions.ts';
import { encodeText } from '../../bytes/cursor.ts';
import { HEADER, type Image, NAME, UNIT } from '../../image/index.ts';
import { useRandom } from '../../image/random.ts';
import * as tables from '../../image/tables.kernel.ts';
import { inEachForm } from '../../image/testing.ts';
import * as texts from './texts.kernel.ts';

test('names that follow others are found as those of any order are', () => {
  inEachForm(image => {
    const orders = [
      ['a', 'bc', 'def', 'g'],
      ['a', 'bc', 'de', 'defg', 'g', 'bc'],
      ['', 'a', 'b', 'bc', '', 'def'],
    ];
    const { intern } = image.run(tables);
    const { nextTextName } = image.run(texts);
    const unit = image.addUnit('types');
    for (const texts of orders)
      for (const text of texts) {
        const [one, other] = [image.add(Buffer.from(`${text}\0x`)), image.add(Buffer.from(`-${text}\0`)) + 1];
        const name = nextTextName(unit, one);
        expect([image.nameText(name), intern(other)]).toEqual([text, name]);
      }
    return image.count(NAME);
  });
});

/** A unit whose strings are `text`. */
function unitOf(image: Image, text: string): { readonly unit: number; readonly at: number } {
  const [unit, at] = [image.addUnit('types'), image.add(encodeText(`${text}\0`))];
  image.set(UNIT.strings, unit, at);
  image.set(UNIT.stringSize, unit, text.length + 1);
  return { unit, at };
}

/** Names of all ends of a text, which are then looked for again. */
function ends(image: Image, text: string): number[] {
  const { unit, at } = unitOf(image, text);
  const { nextTextName, textName } = image.run(texts);
  const names = Array.from(text, (_, from) => nextTextName(unit, at + from));
  expect(names.map(name => image.nameText(name))).toEqual(Array.from(text, (_, from) => text.slice(from)));
  expect(Array.from(text, (_, from) => textName(unit, at + from))).toEqual(names);
  return names;
}

describe('ends of a long string', () => {
  test('are names of their own in the text of it', () => {
    const text = Array.from({ length: 40 }, (_, index) => `part${index}`).join('_');
    const image = inEachForm(each => [ends(each, text), ends(each, text)]);
    const [whole] = ends(image, text);
    expect(image.get(NAME.whole, (whole ?? 0) + 1)).toBe(whole);
  });

  test.each([1, 0x12345678, -1])('are found when names are hashed by key %i', key => {
    const restore = useRandom(() => key);
    try {
      const text = 'the_end_of_a_long_name_'.repeat(20);
      const names = collidingNames(300);
      const image = inEachForm(each => {
        const before = ends(each, text);
        const found = names.map(name => each.intern(name));
        expect(each.words[HEADER.namesKeyed]).toBe(1);
        expect(ends(each, text)).toEqual(before);
        expect(names.map(name => each.run(tables).intern(each.add(encodeText(name))))).toEqual(found);
        return [...before, ...found, ...ends(each, `${text}other`)];
      });
      expect(image.count(NAME)).toBe(1 + text.length + names.length + text.length + 5);
    } finally {
      restore();
    }
  });
});
