/** The block of `reader.ts`: words, buffers that grow, and faults with up to five operands. */

import { FAULT, HEADER, SECTION, UNIT } from '../../../image/layout.ts';
import { fill, setWord, word } from '../../../image/memory.ts';
import { addRows, alloc } from '../../../image/tables.kernel.ts';
import { READER } from './reader.ts';

/** Makes the block; the NAMEs in it are set from outside. */
export function makeReader(): number {
  if (word(HEADER.reader) === 0) setWord(HEADER.reader, alloc(READER.size << 2) >> 2);
  return word(HEADER.reader);
}

export function state(field: number): number {
  return word(word(HEADER.reader) + field);
}

export function setState(field: number, value: number): void {
  setWord(word(HEADER.reader) + field, value);
}

/** Word index of a buffer with at least that many words, whose contents are undefined. */
export function room(buffer: number, words: number): number {
  const at = word(HEADER.reader) + buffer;
  if (word(at + 1) < words) {
    let size = word(at + 1) === 0 ? 256 : word(at + 1);
    while (size < words) size = size << 1;
    setWord(at, alloc(size << 2) >> 2);
    setWord(at + 1, size);
  }
  return word(at);
}

/** The same with all words 0. */
export function emptyRoom(buffer: number, words: number): number {
  const at = room(buffer, words);
  fill(at << 2, 0, words << 2);
  return at;
}

/** Forgets what is known of the unit that was read before. */
export function startUnit(unit: number): number {
  for (let field = READER.shared; field <= READER.firstSymbol; field = field + 1) setState(field, 0);
  const sections = word(word(UNIT.sectionCount) + unit);
  emptyRoom(READER.atoms, sections);
  emptyRoom(READER.atomsEnd, sections);
  return sections;
}

/** Row of SECTION of an ELF section of a unit. */
export function sectionRow(unit: number, index: number): number {
  return word(word(UNIT.sections) + unit) + index;
}

/** ELF section index of a row of SECTION. */
export function indexOf(section: number): number {
  return section - word(word(UNIT.sections) + word(word(SECTION.unit) + section));
}

/** Adds a fault with up to five operands; returns 0. */
export function refuse(
  code: number,
  unit: number,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
): number {
  const row = addRows(FAULT.count, FAULT.width, 1);
  setWord(word(FAULT.code) + row, code);
  setWord(word(FAULT.unit) + row, unit);
  setWord(word(FAULT.a) + row, a);
  setWord(word(FAULT.b) + row, b);
  setWord(word(FAULT.c) + row, c);
  setWord(word(FAULT.d) + row, d);
  setWord(word(FAULT.e) + row, e);
  return 0;
}
