/**
 * Scratch memory of deduplication: a record of words, most of which are word indexes of columns with a word for
 * each row of TYPE that is compared. `word(work + WORK.low) + row` is the place of a row, as in a table.
 */

import { UNIT } from '../../image/layout.ts';
import { fill, setWord, word } from '../../image/memory.ts';
import { alloc } from '../../image/tables.kernel.ts';

export const WORK = {
  /** First row, which is the void that all units share, and the row after the last. */
  first: 0,
  end: 1,
  /** Hash of each type, in two halves: of its own words, later of all that the hash looks at. */
  low: 2,
  high: 3,
  /** What a reference to the type is hashed as; and the same for the next round. */
  seen: 4,
  next: 5,
  /** Row of the first type with the same declaration tags; 0: no tags. The word is 0 when no type has tags. */
  tags: 8,
  /** Row that stands for a forward declaration or an enum without values; 0 or itself for other types. */
  alias: 9,
  /** Rows of TYPE by open addressing, and the number of slots less one. */
  slots: 10,
  mask: 11,
  /** By twice the NAME, plus 1 for unions: the first forward declaration; 0 when there are none. */
  forwards: 12,
  /** By the same: row that represents all structs of the name; 0 none, -1 several. */
  structs: 13,
  /** 1 for rows that represent types which are not all equal. */
  mixed: 14,
  /** 1: an entry of a hash table has taken too many steps, so nothing further is looked up. */
  crowded: 15,
  words: 16,
} as const;

/** A record for the types of the units `first` to `last`, whose rows follow each other; some may have none. */
export function beginWork(first: number, last: number): number {
  const work = alloc(WORK.words << 2) >> 2;
  for (let unit = last; unit >= first; unit = unit - 1) {
    const types = word(word(UNIT.types) + unit);
    if (types === 0) continue;
    setWord(work + WORK.first, types);
    if (word(work + WORK.end) === 0) setWord(work + WORK.end, types + word(word(UNIT.typeCount) + unit) + 1);
  }
  for (let field = WORK.low; field <= WORK.next; field = field + 1) addColumn(work, field);
  addColumn(work, WORK.alias);
  addColumn(work, WORK.mixed);
  let slots = 64;
  while (slots < (word(work + WORK.end) - word(work + WORK.first)) << 1) slots = slots << 1;
  setWord(work + WORK.slots, alloc(slots << 2) >> 2);
  setWord(work + WORK.mask, slots - 1);
  return work;
}

/** A column of zeros. */
export function addColumn(work: number, field: number): number {
  const first = word(work + WORK.first);
  const column = (alloc((word(work + WORK.end) - first + 1) << 2) >> 2) - first;
  setWord(work + field, column);
  return column;
}

export function clearMixed(work: number): number {
  const first = word(work + WORK.first);
  fill((word(work + WORK.mixed) + first) << 2, 0, (word(work + WORK.end) - first) << 2);
  return first;
}
