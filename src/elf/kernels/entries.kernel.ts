/** Sections that are tables of records of one size. */

import { SECTION, UNIT } from '../../image/layout.ts';
import { word } from '../../image/memory.ts';
import { fault } from '../../image/tables.kernel.ts';
import { ELF_FAULT } from '../faults.ts';
import { SHDR } from '../fields.ts';

/** Bytes of a section; -1, with a fault, unless it consists of records of exactly `entrySize` bytes. */
export function checkEntries(unit: number, row: number, entrySize: number): number {
  const index = row - word(word(UNIT.sections) + unit);
  const header = (word(word(UNIT.headers) + unit) >> 2) + Math.imul(index, SHDR.words);
  const size = word(word(SECTION.size) + row);
  if (word(header + SHDR.entsize) !== entrySize || word(header + SHDR.entsize + 1) !== 0) {
    return fault(ELF_FAULT.entrySize, unit, index, entrySize) - 1;
  }
  return size % entrySize === 0 ? size : fault(ELF_FAULT.entryMultiple, unit, index, entrySize) - 1;
}
