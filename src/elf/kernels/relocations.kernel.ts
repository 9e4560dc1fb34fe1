/**
 * The relocations of an untrusted file: SECTION.relocations of each section that they change.
 *
 * Records stay where they are, four words each in host order: offset (two words), type, symbol. Once they are
 * checked the high word of the offset is zero.
 */

import { getUnalignedWord } from '../../image/get.kernel.ts';
import { drawMixKeys, mixLow, PROBES } from '../../image/keys.kernel.ts';
import { SECTION, UNIT } from '../../image/layout.ts';
import { fill, setWord, word } from '../../image/memory.ts';
import { alloc, fault, giveBack } from '../../image/tables.kernel.ts';
import {
  R_BPF_64_32,
  R_BPF_64_64,
  R_BPF_64_ABS32,
  R_BPF_64_ABS64,
  R_BPF_64_NODYLD32,
  R_GNU_DATA_32,
  R_GNU_DATA_64,
  SHF_EXECINSTR,
  SHT_PROGBITS,
  SHT_REL,
} from '../constants.ts';
import { ELF_FAULT } from '../faults.ts';
import { REL } from '../fields.ts';
import { checkEntries } from './entries.kernel.ts';
import { isRelocationsOf, typeSection } from './names.kernel.ts';

/** No record has the offset of another; an offset took too many steps. */
const NONE = -1;
const CROWDED = -2;

/** Checks the relocations of all sections that are read, but those of types, whose values in place are right. */
export function readRelocations(unit: number): number {
  const first = word(word(UNIT.sections) + unit);
  const end = first + word(word(UNIT.sectionCount) + unit);
  for (let row = first; row < end; row = row + 1) {
    if (word(word(SECTION.type) + row) !== SHT_REL) continue;
    const done =
      word(word(SECTION.ignored) + row) === 1 ? refuseOldGnu(unit, row - first, row) : readSection(unit, row);
    if (done === 0) return 0;
  }
  return 1;
}

/**
 * The assembler of binutils 2.40 put the symbol's value into the relocated bytes, where the psABI has only
 * the addend: an object of it links without complaint and then addresses the wrong things. Its relocations of
 * DWARF give it away, even where the code has none of its private types. They are in file order.
 */
function refuseOldGnu(unit: number, index: number, row: number): number {
  if (word(word(SECTION.size) + row) < REL.bytes) return 1;
  const at = word(word(SECTION.at) + row);
  const order = word(word(UNIT.order) + unit);
  const type = getUnalignedWord(order === 0 ? at + 8 : at + 12, order);
  return isOldGnu(type) === 1 ? fault(ELF_FAULT.relocationGnu, unit, index, 0) : 1;
}

function isOldGnu(type: number): number {
  return type === R_GNU_DATA_32 || type === R_GNU_DATA_64 ? 1 : 0;
}

function readSection(unit: number, row: number): number {
  const size = checkEntries(unit, row, REL.bytes);
  if (size < 0) return 0;
  const target = targetOf(unit, row);
  if (target === 0) return 0;
  if (size === 0 || word(word(SECTION.ignored) + target) === 1) return 1;
  if (typeSection(word(word(SECTION.name) + target)) !== 0) return 1;
  setWord(word(SECTION.relocations) + target, row);
  return checkRecords(unit, row, target);
}

/** Row of the section that relocations change; 0 after a fault. */
function targetOf(unit: number, row: number): number {
  const first = word(word(UNIT.sections) + unit);
  const info = word(word(SECTION.info) + row);
  const target = first + info;
  if (word(word(SECTION.link) + row) !== word(word(UNIT.symbolTable) + unit) - first) {
    return fault(ELF_FAULT.relocationSymbols, unit, row - first, 0);
  }
  if (info <= 0 || info >= word(word(UNIT.sectionCount) + unit)) {
    return fault(ELF_FAULT.relocationTarget, unit, row - first, 0);
  }
  if (isRelocationsOf(word(word(SECTION.name) + row), word(word(SECTION.name) + target)) === 0) {
    return fault(ELF_FAULT.relocationName, unit, row - first, 0);
  }
  const hasContents = word(word(SECTION.type) + target) === SHT_PROGBITS;
  const isEmpty = word(word(SECTION.size) + row) === 0;
  if (isEmpty || hasContents || word(word(SECTION.ignored) + target) === 1) return target;
  return fault(ELF_FAULT.relocationContents, unit, row - first, 0);
}

function checkRecords(unit: number, row: number, target: number): number {
  const table = word(word(SECTION.at) + row) >> 2;
  const count = word(word(SECTION.size) + row) >> 4;
  const isCode = (word(word(SECTION.flags) + target) & SHF_EXECINSTR) === 0 ? 0 : 1;
  const limit = word(word(SECTION.size) + target);
  let last = -1;
  let sorted = 1;
  for (let index = 0; index < count; index = index + 1) {
    const record = table + (index << 2);
    const code = problemOf(unit, record, isCode, limit);
    if (code !== 0) return fault(code, unit, row - word(word(UNIT.sections) + unit), index);
    const offset = word(record + REL.offset);
    if (offset <= last) sorted = 0;
    last = offset;
  }
  return sorted === 1 ? 1 : refuseDuplicates(unit, row, table, count);
}

/** Code of the fault of a record; 0: none. `limit`: bytes of the section that it changes. */
function problemOf(unit: number, record: number, isCode: number, limit: number): number {
  const offset = word(record + REL.offset);
  const type = word(record + REL.type);
  const symbol = word(record + REL.symbol);
  if (isOldGnu(type) === 1) return ELF_FAULT.relocationGnu;
  const width = relocationWidth(type, isCode);
  if (width === 0) return ELF_FAULT.relocationType;
  if (word(record + REL.offset + 1) !== 0 || offset < 0 || offset > limit - width) {
    return ELF_FAULT.relocationOffset;
  }
  if (isCode === 1 && (offset & 7) !== 0) return ELF_FAULT.relocationPlace;
  return symbol > 0 && symbol < word(word(UNIT.symbolCount) + unit) ? 0 : ELF_FAULT.relocationSymbol;
}

/** Bytes that a relocation changes, in code and in data; 0 for an unknown type. */
export function relocationWidth(type: number, isCode: number): number {
  if (type === R_BPF_64_64) return isCode === 1 ? 16 : 8;
  if (type === R_BPF_64_32) return isCode === 1 ? 8 : 4;
  if (type === R_BPF_64_ABS64) return 8;
  return type === R_BPF_64_ABS32 || type === R_BPF_64_NODYLD32 ? 4 : 0;
}

/** Refuses two records of one offset. */
function refuseDuplicates(unit: number, row: number, table: number, count: number): number {
  let size = 64;
  while (size < count << 1) size = size << 1;
  const slots = alloc(size << 2);
  let twice = firstTwice(table, count, slots >> 2, size - 1, PROBES);
  if (twice === CROWDED) {
    drawMixKeys();
    fill(slots, 0, size << 2);
    twice = firstTwice(table, count, slots >> 2, size - 1, size);
  }
  giveBack(slots);
  return twice === NONE
    ? 1
    : fault(ELF_FAULT.relocationTwice, unit, row - word(word(UNIT.sections) + unit), twice);
}

/** Index of the first record with the offset of an earlier one; NONE; CROWDED when one takes more than `steps`. */
function firstTwice(table: number, count: number, slots: number, mask: number, steps: number): number {
  for (let index = 0; index < count; index = index + 1) {
    const added = addOffset(slots, mask, word(table + (index << 2)), steps);
    if (added !== 1) return added === 0 ? index : CROWDED;
  }
  return NONE;
}

/** Enters an offset, plus one, in a hash table: 1; 0 when it was there already; CROWDED. */
function addOffset(slots: number, mask: number, offset: number, steps: number): number {
  let slot = mixLow(offset, 0) & mask;
  for (let left = steps; left > 0; left = left - 1) {
    const known = word(slots + slot);
    if (known === offset + 1) return 0;
    if (known === 0) {
      setWord(slots + slot, offset + 1);
      return 1;
    }
    slot = (slot + 1) & mask;
  }
  return CROWDED;
}
