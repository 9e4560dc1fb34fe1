/**
 * Places that something refers to without a symbol: offsets of data that relocations lead to, and functions that
 * `.BTF.ext` describes. They matter where bytes have no symbol, and are collected when the first such bytes are
 * found.
 *
 * READER.offsets are the offsets in the order of the relocations, with the top bit turned, so that words are in the
 * order of offsets; `offsetOrder` are their positions by section, in order; those of section s begin at `offsetsFirst[s]`.
 */

import { R_BPF_64_64, R_BPF_64_ABS64, STT_SECTION } from '../../../elf/constants.ts';
import { REL } from '../../../elf/fields.ts';
import { getUnalignedHigh, getUnalignedLow, getUnalignedWord, getWord } from '../../../image/get.kernel.ts';
import { FUNCTION_INFO, SECTION, SYMBOL, UNIT } from '../../../image/layout.ts';
import { setWord, word } from '../../../image/memory.ts';
import { sortRows, sortRowsByTwo } from '../../../image/sort.kernel.ts';
import { READER } from './reader.ts';
import { isCode, isDebug } from './sections.kernel.ts';
import { emptyRoom, indexOf, room, sectionRow, setState, state } from './state.kernel.ts';

const TOP = 1 << 31;

/** Collects the offsets, once for each unit. */
export function findAddresses(unit: number): number {
  if (state(READER.addressed) === 1) return 1;
  setState(READER.addressed, 1);
  const sections = word(word(UNIT.sectionCount) + unit);
  const begins = emptyRoom(READER.offsetsFirst, sections + 2);
  let count = 0;
  for (let index = 1; index < sections; index = index + 1) count = addressesOf(unit, index, count, 0);
  for (let index = 2; index <= sections; index = index + 1)
    setWord(begins + index, word(begins + index) + word(begins + index - 1));
  room(READER.offsets, count);
  const order = room(READER.offsetOrder, count);
  count = 0;
  for (let index = 1; index < sections; index = index + 1) count = addressesOf(unit, index, count, 1);
  for (let index = 1; index < sections; index = index + 1) {
    const from = word(begins + index);
    sortRows(order + from, word(begins + index + 1) - from, state(READER.offsets));
  }
  return 1;
}

/** Counts (`store` 0) or stores the offsets that the relocations of a section lead to, after `count` others. */
function addressesOf(unit: number, index: number, count: number, store: number): number {
  const section = sectionRow(unit, index);
  const table = word(word(SECTION.relocations) + section);
  if (table === 0 || isDebug(section) === 1) return count;
  let record = word(word(SECTION.at) + table) >> 2;
  const end = record + (word(word(SECTION.size) + table) >>> 2);
  const begins = state(READER.offsetsFirst);
  while (record < end) {
    const symbol = word(word(UNIT.symbols) + unit) + word(record + REL.symbol);
    const target = targetOf(unit, symbol);
    if (target !== 0 && leadsTo(unit, section, record, symbol, target) === 1) {
      if (store === 0) setWord(begins + target + 2, word(begins + target + 2) + 1);
      else storeOffset(target, count, state(READER.addend));
      count = count + 1;
    }
    record = record + REL.words;
  }
  return count;
}

function storeOffset(target: number, count: number, offset: number): number {
  const begins = state(READER.offsetsFirst) + target + 1;
  setWord(state(READER.offsets) + count, offset ^ TOP);
  setWord(state(READER.offsetOrder) + word(begins), count);
  setWord(begins, word(begins) + 1);
  return count;
}

/** ELF section of data that a symbol is in; else 0. */
function targetOf(unit: number, symbol: number): number {
  const index = word(word(SYMBOL.section) + symbol);
  if (index === 0 || index >= word(word(UNIT.sectionCount) + unit)) return 0;
  return isCode(sectionRow(unit, index)) === 1 ? 0 : index;
}

/** 1: the relocation leads into the section, to READER.addend. */
function leadsTo(unit: number, section: number, record: number, symbol: number, target: number): number {
  const order = word(word(UNIT.order) + unit);
  const at = word(word(SECTION.at) + section) + word(record);
  const type = word(record + REL.type);
  const wide = type === R_BPF_64_64 || type === R_BPF_64_ABS64;
  let low = 0;
  if (isCode(section) === 1) low = getWord(at + 4, order);
  else low = wide ? getUnalignedLow(at, order) : getUnalignedWord(at, order);
  let high = low >> 31;
  if (wide && isCode(section) === 0) high = getUnalignedHigh(at, order);
  if (word(word(SYMBOL.type) + symbol) !== STT_SECTION) {
    const value = word(word(SYMBOL.value) + symbol);
    low = (low + value) | 0;
    if (low >>> 0 < value >>> 0) high = (high + 1) | 0;
  }
  setState(READER.addend, low);
  return high === 0 && low >>> 0 < word(word(SECTION.size) + sectionRow(unit, target)) >>> 0 ? 1 : 0;
}

/** Position in `offsetOrder` of the first offset of a section from `offset` on. */
export function addressFrom(section: number, offset: number): number {
  const begins = state(READER.offsetsFirst) + indexOf(section);
  let low = word(begins);
  let high = word(begins + 1);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (addressAt(middle) >>> 0 < offset >>> 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Position in `offsetOrder` after the last offset of a section. */
export function endOfAddresses(section: number): number {
  return word(state(READER.offsetsFirst) + indexOf(section) + 1);
}

export function addressAt(position: number): number {
  return word(state(READER.offsets) + word(state(READER.offsetOrder) + position)) ^ TOP;
}

// --- functions that are described ---------------------------------------------------------------------------------

/** Sorts the rows of FUNCTION_INFO by section and offset, once for each unit. */
export function findEntries(unit: number): number {
  if (state(READER.entries) === 1) return 1;
  setState(READER.entries, 1);
  const first = word(word(UNIT.functionInfos) + unit);
  const count = word(word(UNIT.functionInfoCount) + unit);
  const infos = room(READER.infos, count);
  for (let i = 0; i < count; i = i + 1) setWord(infos + i, first + i);
  sortRowsByTwo(infos, count, word(FUNCTION_INFO.section), word(FUNCTION_INFO.offset));
  return 1;
}

/** Position in READER.infos of the first function of a section, by NAME, from `offset` on. */
export function entryFrom(unit: number, name: number, offset: number): number {
  const infos = state(READER.infos);
  let low = 0;
  let high = word(word(UNIT.functionInfoCount) + unit);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = word(infos + middle);
    const other = word(word(FUNCTION_INFO.section) + row);
    if (other < name || (other === name && word(word(FUNCTION_INFO.offset) + row) < offset)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Offset of a function in a section, by its position; `none` when there is no such function, or none in the section. */
export function entryAt(unit: number, name: number, position: number, none: number): number {
  if (position >= word(word(UNIT.functionInfoCount) + unit)) return none;
  const row = word(state(READER.infos) + position);
  if (word(word(FUNCTION_INFO.section) + row) !== name) return none;
  return word(word(FUNCTION_INFO.offset) + row);
}
