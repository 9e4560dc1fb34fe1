/** Types between the columns of an image and a section of their own; what kernels refused, as data. */

import { elementAt } from '../../bytes/index.ts';
import { FAULT, type Image, TYPE, UNIT } from '../../image/index.ts';
import * as tables from '../../image/tables.kernel.ts';
import { RawBtf } from './raw.ts';

/** Gives `unit` the types of `btf`: their words, their strings and the rows of TYPE. */
export function importTypes(image: Image, unit: number, btf: RawBtf): void {
  const { words, start, strings, count } = btf;
  const at = image.run(tables).alloc(words.length * 4) >> 2;
  image.words.set(words, at);
  const text = image.add(strings);
  const first = image.addRows(TYPE, count + 1);
  const all = image.words;
  const column = elementAt(all, TYPE.start) + first;
  for (let id = 1; id <= count; id++) all[column + id] = at + elementAt(start, id);
  image.set(UNIT.types, unit, first);
  image.set(UNIT.typeCount, unit, count);
  image.set(UNIT.typed, unit, 1);
  image.set(UNIT.words, unit, at);
  image.set(UNIT.wordCount, unit, words.length);
  image.set(UNIT.strings, unit, text);
  image.set(UNIT.stringSize, unit, strings.length);
}

/** The types of a unit, copied: independent of the image. */
export function btfOf(image: Image, unit: number): RawBtf {
  const [first, size] = [image.get(UNIT.words, unit), image.get(UNIT.wordCount, unit)];
  const [text, textSize] = [image.get(UNIT.strings, unit), image.get(UNIT.stringSize, unit)];
  const count = image.get(UNIT.typeCount, unit);
  const all = image.words;
  const column = elementAt(all, TYPE.start) + image.get(UNIT.types, unit);
  const start = new Uint32Array(count + 2);
  for (let id = 1; id <= count; id++) start[id] = elementAt(all, column + id) - first;
  start[count + 1] = size;
  const words = new Uint32Array(all.slice(first, first + size).buffer);
  return new RawBtf(words, start, image.bytes.slice(text, text + textSize));
}

/** What a kernel refused: a number of `TYPE_FAULT` and its operands, as unsigned numbers. */
export interface Refusal {
  readonly code: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** The first fault that was added since there were `known` of them (`image.count(FAULT)`); undefined for none. */
export function refusalSince(image: Image, known: number): Refusal | undefined {
  const row = Math.max(known, 1);
  if (image.count(FAULT) <= row) return undefined;
  const operand = (column: number): number => image.get(column, row) >>> 0;
  return {
    code: image.get(FAULT.code, row),
    a: operand(FAULT.a),
    b: operand(FAULT.b),
    c: operand(FAULT.c),
    d: operand(FAULT.d),
  };
}
