/** Sections and types of objects, and what else their parts have in common, out of columns. */

import { btfOf, type RawBtf } from '../../btf/index.ts';
import { decodeText, noElement } from '../../bytes/index.ts';
import { numberOfWords } from '../../elf/index.ts';
import { columnOf, type Image, NAME, SHELL, UNIT } from '../../image/index.ts';
import type { SectionShell } from './model.ts';

/** A unit of an image. */
interface Unit {
  readonly image: Image;
  readonly unit: number;
}

/** Bytes that are decoded at once: names are next to one another in string tables. */
const BLOCK = 4096;

/** Texts of names; each is made once. Valid until a kernel runs. */
export function namesOf(image: Image): (name: number) => string {
  const { bytes } = image;
  const [at, size] = [columnOf(image, NAME.at), columnOf(image, NAME.size)];
  const known: string[] = [''];
  const blocks = new Map<number, string | null>();
  const blockAt = (start: number): string | null => {
    const block = blocks.get(start);
    if (block !== undefined) return block;
    const text = decodeText(bytes.subarray(start, start + BLOCK));
    const made = text.length === BLOCK ? text : null; // other offsets than those of the bytes
    blocks.set(start, made);
    return made;
  };
  return name => {
    const text = known[name];
    if (text !== undefined) return text;
    const [from, length] = [at[name] ?? noElement(at, name), size[name] ?? noElement(size, name)];
    const place = from % BLOCK;
    const block = place + length > BLOCK ? null : blockAt(from - place);
    const made =
      block === null ? decodeText(bytes.subarray(from, from + length)) : block.slice(place, place + length);
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
      entsize: numberOfWords(image.get(SHELL.entsize, row), image.get(SHELL.entsizeHigh, row)),
      role: ROLES[image.get(SHELL.role, row)] ?? 'data',
    };
  });
}

/** Strings that types, lines and access strings of a unit refer to; a copy. */
export function stringsOf({ image, unit }: Unit): Uint8Array {
  const at = image.get(UNIT.strings, unit);
  return image.bytes.slice(at, at + image.get(UNIT.stringSize, unit));
}

export function btfOfUnit({ image, unit }: Unit): RawBtf | null {
  return image.get(UNIT.typed, unit) === 0 ? null : btfOf(image, unit);
}
