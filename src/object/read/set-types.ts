/** Types that were edited while an object was read, back in columns. */

import { type Btf, toRaw } from '../../btf/index.ts';
import { ATOM, type Image, TYPE, UNIT } from '../../image/index.ts';
import { atomRows } from './atom-rows.ts';

/** Makes `btf` the types of a unit. Its lines and records keep the strings that they refer to, in a unit of their own. */
export function setTypes(image: Image, unit: number, btf: Btf): void {
  if (image.get(UNIT.typed, unit) === 1) keepStrings(image, unit);
  const { words, start, strings, count } = toRaw(btf);
  const first = image.add(new Uint8Array(words.buffer, words.byteOffset, words.byteLength)) >> 2;
  const types = image.addRows(TYPE, count + 1);
  for (let id = 1; id <= count; id++) image.set(TYPE.start, types + id, first + (start[id] ?? 0));
  const text = image.add(strings);
  image.set(UNIT.types, unit, types);
  image.set(UNIT.typeCount, unit, count);
  image.set(UNIT.words, unit, first);
  image.set(UNIT.wordCount, unit, words.length);
  image.set(UNIT.strings, unit, text);
  image.set(UNIT.stringSize, unit, strings.length);
  image.set(UNIT.typed, unit, 1);
}

function keepStrings(image: Image, unit: number): void {
  const source = image.addUnit(image.unitName(unit));
  for (const column of [UNIT.order, UNIT.strings, UNIT.stringSize])
    image.set(column, source, image.get(column, unit));
  for (const atom of atomRows(image, unit)) atom.set(ATOM.source, source);
}
