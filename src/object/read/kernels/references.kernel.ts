/**
 * Relocations, and calls that the compiler resolved inside one section, become references between atoms.
 *
 * REL keeps addends in place: a call holds `target / 8 - 1`, `ld_imm64` the byte offset in the imm of its first slot,
 * data the offset in 4 or 8 bytes. They are taken out and cleared, so that equal atoms have equal bytes.
 */

import { REL } from '../../../elf/fields.ts';
import { ATOM, SECTION, UNIT } from '../../../image/layout.ts';
import { copy, setWord, word } from '../../../image/memory.ts';
import { sortRows } from '../../../image/sort.kernel.ts';
import { OBJECT_FAULT } from '../faults.ts';
import { endOfAtoms, firstAtom } from './atoms.kernel.ts';
import { readDataRelocation } from './data-references.kernel.ts';
import { readFunction } from './functions.kernel.ts';
import { READER } from './reader.ts';
import { widthOf } from './rows.kernel.ts';
import { isCode } from './sections.kernel.ts';
import { refuse, room, sectionRow } from './state.kernel.ts';

/** Reads the references of all sections that are kept. */
export function readReferences(unit: number): number {
  const sections = word(word(UNIT.sectionCount) + unit);
  for (let index = 1; index < sections; index = index + 1) {
    const section = sectionRow(unit, index);
    if (word(word(SECTION.shell) + section) === 0) continue;
    const table = word(word(SECTION.relocations) + section);
    const first = table === 0 ? 0 : word(word(SECTION.at) + table) >> 2;
    const end = table === 0 ? 0 : first + (word(word(SECTION.size) + table) >>> 2);
    orderRelocations(first, end);
    refuseDuplicates(unit, section, first, end);
    if (isCode(section) === 1) readCode(unit, section, first, end);
    else
      for (let record = first; record < end; record = record + REL.words)
        readDataRelocation(unit, section, record);
  }
  return sections;
}

/** Sorts the records from `first` to `end` by offset, unless they are sorted already. */
function orderRelocations(first: number, end: number): number {
  let sorted = 1;
  for (let record = first + REL.words; record < end; record = record + REL.words)
    if (word(record) < word(record - REL.words)) sorted = 0;
  if (sorted === 1) return 1;
  const count = (end - first) >> 2;
  const order = room(READER.sorted, count);
  const keys = room(READER.keys, end - first);
  copy(keys << 2, first << 2, (end - first) << 2);
  for (let i = 0; i < count; i = i + 1) setWord(order + i, i << 2);
  sortRows(order, count, keys);
  for (let i = 0; i < count; i = i + 1)
    copy((first + (i << 2)) << 2, (keys + word(order + i)) << 2, REL.words << 2);
  return count;
}

/** Nor may they overlap: the addend of the second would be what the first left there. */
function refuseDuplicates(unit: number, section: number, first: number, end: number): number {
  const code = isCode(section);
  let next = 0;
  for (let record = first; record < end; record = record + REL.words) {
    const offset = word(record);
    if (offset < next) return refuse(OBJECT_FAULT.relocationDuplicate, unit, section, offset, 0, 0, 0);
    next = offset + (code === 1 ? 8 : widthOf(word(record + REL.type)));
  }
  return 1;
}

/**
 * Functions and relocations both come in order of offset. A relocation in a hole is skipped: it cannot be executed.
 */
function readCode(unit: number, section: number, first: number, end: number): number {
  const last = endOfAtoms(section);
  let record = first;
  for (let atom = firstAtom(section); atom < last; atom = atom + 1) {
    if (word(word(ATOM.owner) + atom) !== 0) continue;
    const start = word(word(ATOM.offset) + atom);
    while (record < end && word(record) < start) record = record + REL.words;
    const after = start + word(word(ATOM.size) + atom);
    const from = record;
    while (record < end && word(record) < after) record = record + REL.words;
    readFunction(unit, atom, from, record);
  }
  return record;
}
