/**
 * The symbols of a unit by section, in order of place: what has no size is before what is at the same place, and
 * symbols that are alike keep the order of the file.
 */

import { SHN_LORESERVE, SHN_UNDEF } from '../../../elf/constants.ts';
import { SYMBOL, UNIT } from '../../../image/layout.ts';
import { setWord, word } from '../../../image/memory.ts';
import { sortRowsByTwo } from '../../../image/sort.kernel.ts';
import { READER } from './reader.ts';
import { emptyRoom, room, setState } from './state.kernel.ts';

/** Fills READER.order and orderFirst; notes whether symbols share a place. */
export function orderSymbols(unit: number): number {
  const sections = word(word(UNIT.sectionCount) + unit);
  const first = word(word(UNIT.symbols) + unit);
  const end = first + word(word(UNIT.symbolCount) + unit);
  const begins = emptyRoom(READER.orderFirst, sections + 2);
  for (let row = first + 1; row < end; row = row + 1) {
    const section = placed(row, sections);
    if (section !== 0) setWord(begins + section + 2, word(begins + section + 2) + 1);
  }
  for (let section = 2; section <= sections; section = section + 1)
    setWord(begins + section, word(begins + section) + word(begins + section - 1));
  fillOrder(first, end, sections);
  for (let section = 1; section < sections; section = section + 1)
    sortSection(word(begins + section), word(begins + section + 1), first);
  return 1;
}

/** ELF section of a symbol that is in one; else 0. */
function placed(row: number, sections: number): number {
  const section = word(word(SYMBOL.section) + row);
  return section === SHN_UNDEF || section >= SHN_LORESERVE || section >= sections ? 0 : section;
}

/** `orderFirst[s + 1]` is where the next symbol of section s goes, and in the end where section s + 1 begins. */
function fillOrder(first: number, end: number, sections: number): number {
  const order = room(READER.order, end - first);
  const values = room(READER.values, end - first) - first;
  const sizes = room(READER.sizes, end - first) - first;
  const begins = room(READER.orderFirst, 0);
  for (let row = first + 1; row < end; row = row + 1) {
    const section = placed(row, sections);
    if (section === 0) continue;
    const at = word(begins + section + 1);
    setWord(begins + section + 1, at + 1);
    setWord(order + at, row);
    setWord(values + row, word(word(SYMBOL.value) + row) ^ (1 << 31));
    setWord(sizes + row, word(word(SYMBOL.size) + row) === 0 ? 0 : 1);
  }
  return order;
}

function sortSection(from: number, to: number, first: number): number {
  if (to - from < 2) return 0;
  const values = room(READER.values, 0) - first;
  const sizes = room(READER.sizes, 0) - first;
  const order = room(READER.order, 0);
  sortRowsByTwo(order + from, to - from, values, sizes);
  for (let at = from + 1; at < to; at = at + 1) {
    const before = word(order + at - 1);
    const row = word(order + at);
    if (word(values + before) === word(values + row) && word(sizes + before) === 1) {
      setState(READER.shared, 1);
      return 1;
    }
  }
  return 0;
}
