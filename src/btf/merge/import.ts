/** Types that are not from a file of the image, in its columns; and the types of a unit as a section of their own. */

import { type Image, TYPE, UNIT } from '../../image/index.ts';
import * as tables from '../../image/tables.kernel.ts';
import { RawBtf } from '../model/index.ts';

/** Gives `unit` the types of `btf`: their words, their strings and the rows of TYPE. */
export function importTypes(image: Image, unit: number, btf: RawBtf): void {
  const { words, start, strings, count } = btf;
  const at = image.run(tables).alloc(words.length * 4) >> 2;
  image.words.set(words, at);
  const first = image.addRows(TYPE, count + 1);
  const column = (image.words[TYPE.start] ?? 0) + first;
  const all = image.words;
  for (let id = 1; id <= count; id++) all[column + id] = at + (start[id] ?? 0);
  const text = image.add(strings);
  image.set(UNIT.types, unit, first);
  image.set(UNIT.typeCount, unit, count);
  image.set(UNIT.typed, unit, 1);
  image.set(UNIT.words, unit, at);
  image.set(UNIT.wordCount, unit, words.length);
  image.set(UNIT.strings, unit, text);
  image.set(UNIT.stringSize, unit, strings.length);
}

/** The types of a unit, copied. */
export function exportTypes(image: Image, unit: number): RawBtf {
  const [count, first] = [image.get(UNIT.typeCount, unit), image.get(UNIT.types, unit)];
  const [at, size] = [image.get(UNIT.words, unit), image.get(UNIT.wordCount, unit)];
  const [text, textSize] = [image.get(UNIT.strings, unit), image.get(UNIT.stringSize, unit)];
  const start = new Uint32Array(count + 2);
  const all = image.words;
  const column = (all[TYPE.start] ?? 0) + first;
  for (let id = 1; id <= count; id++) start[id] = (all[column + id] ?? 0) - at;
  start[count + 1] = size;
  return new RawBtf(
    Uint32Array.from(all.subarray(at, at + size)),
    start,
    image.bytes.slice(text, text + textSize),
  );
}
