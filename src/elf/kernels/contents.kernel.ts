/**
 * Contents of sections where kernels can use them: aligned, apart from one another, tables in host order.
 *
 * Contents stay in the file's bytes where they can. They are copied if their place is not aligned, if records
 * have to be turned, and all of them if sections share bytes, so that changing one never changes another.
 */

import { SECTION, UNIT } from '../../image/layout.ts';
import { copy, setWord, word } from '../../image/memory.ts';
import { sortRows } from '../../image/sort.kernel.ts';
import { alloc, giveBack } from '../../image/tables.kernel.ts';
import { SHT_GROUP, SHT_PROGBITS, SHT_REL, SHT_STRTAB, SHT_SYMTAB, SHT_SYMTAB_SHNDX } from '../constants.ts';
import { typeSection } from './names.kernel.ts';
import { swapRelocations, swapSymbols, swapTable } from './order.kernel.ts';

/** Places the contents of all sections that are not ignored. String tables stay where they are. */
export function placeContents(unit: number): number {
  const first = word(word(UNIT.sections) + unit);
  const end = first + word(word(UNIT.sectionCount) + unit);
  const apart = areApart(unit, first, end);
  const big = word(word(UNIT.order) + unit);
  for (let row = first; row < end; row = row + 1) {
    const at = word(word(SECTION.at) + row);
    const type = word(word(SECTION.type) + row);
    if (at === 0 || type === SHT_STRTAB || word(word(SECTION.ignored) + row) === 1) continue;
    const turn = big === 1 && type !== SHT_PROGBITS;
    if (apart === 0 || turn || (at & alignOf(row, type)) !== 0) copyContents(row);
    if (turn) turnTable(row, type);
  }
  return 1;
}

/** Alignment of contents less one: kernels read words of tables and types, and double words of code and data. */
function alignOf(row: number, type: number): number {
  return type !== SHT_PROGBITS || typeSection(word(word(SECTION.name) + row)) !== 0 ? 3 : 7;
}

function copyContents(row: number): number {
  const size = word(word(SECTION.size) + row);
  const at = alloc(size + 1);
  copy(at, word(word(SECTION.at) + row), size);
  setWord(word(SECTION.at) + row, at);
  return at;
}

function turnTable(row: number, type: number): number {
  const at = word(word(SECTION.at) + row);
  const size = word(word(SECTION.size) + row);
  if (type === SHT_SYMTAB) return swapSymbols(at, size);
  if (type === SHT_REL) return swapRelocations(at, size);
  return type === SHT_GROUP || type === SHT_SYMTAB_SHNDX ? swapTable(at, size) : 0;
}

/**
 * Whether sections that may be changed share no bytes with anything. Writers place them in any order (LLVM writes
 * relocations last, whatever their numbers are), with string tables and section headers before or after all others;
 * 0 for files that do not.
 */
function areApart(unit: number, first: number, end: number): number {
  const list = alloc((end - first) << 2);
  const count = listChangeable(first, end, list >> 2);
  const apart = isDisjoint(unit, first, end, list >> 2, count);
  giveBack(list);
  return apart;
}

/** Writes the rows of sections that may be changed to `list`, in order of their place. Returns their number. */
function listChangeable(first: number, end: number, list: number): number {
  const places = word(SECTION.at);
  let count = 0;
  for (let row = first; row < end; row = row + 1) {
    if (word(places + row) === 0 || word(word(SECTION.type) + row) === SHT_STRTAB) continue;
    setWord(list + count, row);
    count = count + 1;
  }
  return sortRows(list, count, places);
}

/** Whether the `count` sections of `list` are apart, and everything else is outside of what they take together. */
function isDisjoint(unit: number, first: number, end: number, list: number, count: number): number {
  if (count === 0) return 1;
  const low = word(word(SECTION.at) + word(list));
  let high = low;
  for (let place = list; place < list + count; place = place + 1) {
    const at = word(word(SECTION.at) + word(place));
    if (at < high) return 0;
    high = at + word(word(SECTION.size) + word(place));
  }
  for (let row = first; row < end; row = row + 1) {
    const at = word(word(SECTION.at) + row);
    if (at === 0 || word(word(SECTION.type) + row) !== SHT_STRTAB) continue;
    if (at < high && at + word(word(SECTION.size) + row) > low) return 0;
  }
  const headers = word(word(UNIT.headers) + unit);
  const size = word(word(UNIT.sectionCount) + unit) << 6;
  return headers < high && headers + size > low ? 0 : 1;
}
