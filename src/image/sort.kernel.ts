/**
 * Sorting of rows by their columns. Stable: rows with equal keys keep their order, which is what makes output
 * depend on the order of input alone.
 *
 * Short blocks are sorted by insertion and then merged in pairs of growing length; pairs that are in order
 * already are left as they are. So rows in order take linear time, all others at most n log n.
 */

import { copy, setWord, word } from './memory.ts';
import { alloc, giveBack } from './tables.kernel.ts';

const BLOCK = 8;

/**
 * Sorts the `count` words at word index `first`, which are rows, by `word(keys + row)`. Keys are signed.
 * `keys` is the word index of row 0 of the column.
 */
export function sortRows(first: number, count: number, keys: number): number {
  return sortRowsByTwo(first, count, keys, keys);
}

/** The same; rows with equal keys in the column `major` by the column `minor`. */
export function sortRowsByTwo(first: number, count: number, major: number, minor: number): number {
  const end = first + count;
  for (let block = first; block < end; block = block + BLOCK)
    sortBlock(block, block + BLOCK < end ? block + BLOCK : end, major, minor);
  if (count <= BLOCK) return count;
  const scratch = alloc(count << 2);
  for (let width = BLOCK; width < count; width = width << 1)
    for (let left = first; left < end - width; left = left + (width << 1)) {
      const right = left + width;
      const last = right < end - width ? right + width : end;
      if (isAfter(word(right - 1), word(right), major, minor) === 1)
        mergeRuns(left, right, last, scratch >> 2, major, minor);
    }
  giveBack(scratch);
  return count;
}

/** 1: row `a` belongs behind row `b`. */
function isAfter(a: number, b: number, major: number, minor: number): number {
  const left = word(major + a);
  const right = word(major + b);
  if (left !== right) return left > right ? 1 : 0;
  return word(minor + a) > word(minor + b) ? 1 : 0;
}

/** Sorts the words from `first` to `end` by insertion. */
function sortBlock(first: number, end: number, major: number, minor: number): number {
  for (let next = first + 1; next < end; next = next + 1) {
    const row = word(next);
    let place = next;
    while (place > first && isAfter(word(place - 1), row, major, minor) === 1) {
      setWord(place, word(place - 1));
      place = place - 1;
    }
    setWord(place, row);
  }
  return end;
}

/** Merges two sorted runs, of which the second begins at `middle`. `scratch` has room for the first. */
function mergeRuns(
  first: number,
  middle: number,
  end: number,
  scratch: number,
  major: number,
  minor: number,
): number {
  const leftEnd = scratch + middle - first;
  copy(scratch << 2, first << 2, (middle - first) << 2);
  let left = scratch;
  let right = middle;
  let place = first;
  while (left < leftEnd && right < end) {
    if (isAfter(word(left), word(right), major, minor) === 1) {
      setWord(place, word(right));
      right = right + 1;
    } else {
      setWord(place, word(left));
      left = left + 1;
    }
    place = place + 1;
  }
  copy(place << 2, left << 2, (leftEnd - left) << 2);
  return place;
}
