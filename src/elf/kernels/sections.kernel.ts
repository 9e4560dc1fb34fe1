/**
 * Section headers of an untrusted file: rows of SECTION with names and contents.
 *
 * Sections are inside the file and do not add up to more than it, so everything after this needs memory in
 * proportion to the file only.
 */

import { SECTION, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { addRows, fault } from '../../image/tables.kernel.ts';
import { SHT_NOBITS, SHT_NULL, SHT_STRTAB } from '../constants.ts';
import { ELF_FAULT } from '../faults.ts';
import { SHDR } from '../fields.ts';
import { isIgnored } from './names.kernel.ts';
import { nameAt, openStrings } from './strings.kernel.ts';

/** High words of numbers up to 2^53. */
const HIGH_LIMIT = 0x1fffff;

/** All sections of a file, the null section first. `names`: index of the section with their names. */
export function readSections(unit: number, names: number, keepDebug: number): number {
  const count = word(word(UNIT.sectionCount) + unit);
  const first = addRows(SECTION.count, SECTION.width, count);
  setWord(word(UNIT.sections) + unit, first);
  if (readHeaders(unit, first, count) === 0) return 0;
  if (names === 0 || names < 0 || names >= count) return fault(ELF_FAULT.noNameTable, unit, names, 0);
  if (word(word(SECTION.type) + first + names) !== SHT_STRTAB) {
    return fault(ELF_FAULT.nameTableType, unit, names, 0);
  }
  return nameSections(unit, first + names, keepDebug);
}

function readHeaders(unit: number, first: number, count: number): number {
  const size = word(word(UNIT.size) + unit);
  const headers = word(word(UNIT.headers) + unit) >> 2;
  let left = size;
  for (let index = 0; index < count; index = index + 1) {
    const held = readHeader(unit, index, first + index, headers + Math.imul(index, SHDR.words));
    if (held < 0) return 0;
    left = held > left ? -1 : left - held; // -1 stays: nothing that is held is smaller
  }
  return left < 0 ? fault(ELF_FAULT.overlap, unit, 0, 0) : 1;
}

/** Fills a row from the header at a word index. Returns the bytes in the file, or -1 after a fault. */
function readHeader(unit: number, index: number, row: number, header: number): number {
  const type = index === 0 ? SHT_NULL : word(header + SHDR.type);
  let held = 0;
  if (type !== SHT_NULL) {
    if (isWide(unit, index, header, SHDR.size) === 1 || isWide(unit, index, header, SHDR.offset) === 1)
      return -1;
    if (type !== SHT_NOBITS) held = heldBytes(unit, index, header);
    if (held < 0) return -1;
    placeSection(unit, row, header, held);
  }
  for (let field: number = SHDR.flags; field <= SHDR.entsize; field = nextWide(field)) {
    if (isWide(unit, index, header, field) === 1) return -1;
  }
  setWord(word(SECTION.unit) + row, unit);
  setWord(word(SECTION.type) + row, type);
  setWord(word(SECTION.flags) + row, word(header + SHDR.flags));
  setWord(word(SECTION.link) + row, word(header + SHDR.link));
  setWord(word(SECTION.info) + row, word(header + SHDR.info));
  setWord(word(SECTION.align) + row, word(header + SHDR.align));
  setWord(word(SECTION.entsize) + row, word(header + SHDR.entsize));
  setWord(word(SECTION.entsizeHigh) + row, word(header + SHDR.entsize + 1));
  return held;
}

/** The fields of 64 bits that all sections have, in order. */
function nextWide(field: number): number {
  return field === SHDR.flags ? SHDR.align : field === SHDR.align ? SHDR.entsize : SHDR.words;
}

/** 1, with a fault, for a field that is not a safe integer of JavaScript. */
function isWide(unit: number, index: number, header: number, field: number): number {
  const high = word(header + field + 1);
  if (high >= 0 && high <= HIGH_LIMIT) return 0;
  return fault(ELF_FAULT.fieldTooLarge, unit, index, field) + 1;
}

/** Size of the contents; -1, with a fault, if they are not inside the file. */
function heldBytes(unit: number, index: number, header: number): number {
  const size = word(header + SHDR.size);
  const offset = word(header + SHDR.offset);
  const file = word(word(UNIT.size) + unit);
  const sizeHigh = word(header + SHDR.size + 1);
  if (size === 0 && sizeHigh === 0) return 0;
  const isNarrow = sizeHigh === 0 && word(header + SHDR.offset + 1) === 0 && size > 0 && offset >= 0;
  if (isNarrow && size <= file && offset <= file - size) return size;
  return fault(ELF_FAULT.sectionOutside, unit, index, 0) - 1;
}

function placeSection(unit: number, row: number, header: number, held: number): number {
  const offset = word(header + SHDR.offset);
  setWord(word(SECTION.size) + row, word(header + SHDR.size));
  setWord(word(SECTION.offset) + row, offset);
  setWord(word(SECTION.at) + row, held === 0 ? 0 : word(word(UNIT.at) + unit) + offset);
  return held;
}

function nameSections(unit: number, strings: number, keepDebug: number): number {
  const first = word(word(UNIT.sections) + unit);
  const count = word(word(UNIT.sectionCount) + unit);
  const headers = word(word(UNIT.headers) + unit) >> 2;
  openStrings(strings);
  for (let index = 0; index < count; index = index + 1) {
    const row = first + index;
    const name = nameAt(unit, word(headers + Math.imul(index, SHDR.words) + SHDR.name), index);
    if (name < 0) return 0;
    setWord(word(SECTION.name) + row, name);
    const ignored = isIgnored(
      name,
      word(word(SECTION.type) + row),
      word(word(SECTION.flags) + row),
      keepDebug,
    );
    setWord(word(SECTION.ignored) + row, ignored);
  }
  return 1;
}
