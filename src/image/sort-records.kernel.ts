/** Sorting of records in place: runs of words, by the first of them. */

import { copy, setWord, word } from './memory.ts';
import { sortRows } from './sort.kernel.ts';
import { alloc } from './tables.kernel.ts';

/**
 * Sorts `count` records of `width` words at word index `first` by their first word, which is signed. Records with
 * equal ones keep their order; nothing happens where all are in order, as they usually are.
 */
export function sortRecords(first: number, count: number, width: number): number {
  if (isSorted(first, count, width) === 1) return first;
  const size = Math.imul(count, width);
  const list = alloc(count << 2) >> 2;
  const copies = alloc(size << 2) >> 2;
  copy(copies << 2, first << 2, size << 2);
  let record = copies;
  for (let index = 0; index < count; index = index + 1) {
    setWord(list + index, record);
    record = record + width;
  }
  sortRows(list, count, 0);
  let to = first;
  for (let index = 0; index < count; index = index + 1) {
    copy(to << 2, word(list + index) << 2, width << 2);
    to = to + width;
  }
  return first;
}

function isSorted(first: number, count: number, width: number): number {
  let at = first;
  for (let index = 1; index < count; index = index + 1) {
    if (word(at) > word(at + width)) return 0;
    at = at + width;
  }
  return 1;
}
