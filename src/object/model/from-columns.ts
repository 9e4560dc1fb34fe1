/** Sections and types of objects, and what else their parts have in common, out of columns. */

import { RawBtf } from '../../btf/index.ts';
import { decodeText } from '../../bytes/index.ts';
import { type Image, NAME, SHELL, TYPE, UNIT } from '../../image/index.ts';
import type { SectionShell } from './model.ts';

/** A unit of an image. */
interface Unit {
  readonly image: Image;
  readonly unit: number;
}

/** A column as an array by row; valid until something is added to the image. */
export function columnOf(image: Image, column: number): Int32Array {
  const { words } = image;
  return words.subarray(words[column]);
}

/** Texts of names; each is made once. */
export function namesOf(image: Image): (name: number) => string {
  const { bytes } = image;
  const [at, size] = [columnOf(image, NAME.at), columnOf(image, NAME.size)];
  const known: string[] = [''];
  return name => {
    const text = known[name];
    if (text !== undefined) return text;
    const start = at[name] ?? 0;
    const made = decodeText(bytes.subarray(start, start + (size[name] ?? 0)));
    known[name] = made;
    return made;
  };
}

const ROLES = ['code', 'data', 'maps'] as const;

export function shellsOf({ image, unit }: Unit): readonly SectionShell[] {
  const nameOf = namesOf(image);
  const first = image.get(UNIT.shells, unit);
  return Array.from({ length: image.get(UNIT.shellCount, unit) }, (_, index) => {
    const row = first + index;
    return {
      name: nameOf(image.get(SHELL.name, row)),
      type: image.get(SHELL.type, row),
      flags: image.get(SHELL.flags, row),
      align: image.get(SHELL.align, row),
      entsize: image.get(SHELL.entsize, row),
      role: ROLES[image.get(SHELL.role, row)] ?? 'data',
    };
  });
}

/** Strings that types, lines and access strings of a unit refer to; a copy. */
export function stringsOf({ image, unit }: Unit): Uint8Array {
  const at = image.get(UNIT.strings, unit);
  return image.bytes.slice(at, at + image.get(UNIT.stringSize, unit));
}

export function btfOfUnit(place: Unit): RawBtf | null {
  const { image, unit } = place;
  if (image.get(UNIT.typed, unit) === 0) return null;
  const [first, size] = [image.get(UNIT.words, unit), image.get(UNIT.wordCount, unit)];
  const words = new Uint32Array(image.words.slice(first, first + size).buffer);
  const [types, count] = [image.get(UNIT.types, unit), image.get(UNIT.typeCount, unit)];
  const starts = columnOf(image, TYPE.start).subarray(types, types + count + 1);
  const start = new Uint32Array(count + 2);
  for (let id = 1; id <= count; id++) start[id] = (starts[id] ?? 0) - first;
  start[count + 1] = size;
  return new RawBtf(words, start, stringsOf(place));
}
