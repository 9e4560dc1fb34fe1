import { describe, expect, test } from 'vitest';
import { Image } from './image.ts';
import { HEADER } from './layout.ts';
import * as sort from './sort.kernel.ts';
import * as tables from './tables.kernel.ts';

/** Numbers that look random and are the same in each run. */
function numbers(count: number, limit: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) % limit;
  });
}

/** Rows 0 … n − 1 sorted by the kernel. */
function sorted(major: readonly number[], minor: readonly number[] | null): number[] {
  const image = new Image();
  const { alloc } = image.run(tables);
  const place = (words: readonly number[]): number => {
    const at = alloc(words.length * 4) / 4;
    image.words.set(words, at);
    return at;
  };
  const count = major.length;
  const columns = [place(major), minor === null ? 0 : place(minor)] as const;
  const rows = place(major.map((_, row) => row));
  const { sortRows, sortRowsByTwo } = image.run(sort);
  const top = image.words[HEADER.top];
  if (minor === null) sortRows(rows, count, columns[0]);
  else sortRowsByTwo(rows, count, ...columns);
  expect(image.words[HEADER.top]).toBe(top);
  return [...image.words.subarray(rows, rows + count)];
}

function expected(major: readonly number[], minor: readonly number[]): number[] {
  const rows = major.map((_, row) => row);
  return rows.sort((a, b) => (major[a] ?? 0) - (major[b] ?? 0) || (minor[a] ?? 0) - (minor[b] ?? 0));
}

const LENGTHS = [0, 1, 2, 7, 8, 9, 16, 17, 24, 31, 100, 1000, 4097];

describe('rows of an image are sorted', () => {
  test.each(LENGTHS)('%i by one column, in a stable way', count => {
    for (const limit of [2, 10, 1 << 20]) {
      const keys = numbers(count, limit, count + limit);
      expect(sorted(keys, null)).toEqual(expected(keys, []));
    }
  });

  test.each(LENGTHS)('%i by two columns', count => {
    const [major, minor] = [numbers(count, 5, count), numbers(count, 7, count + 1)];
    expect(sorted(major, minor)).toEqual(expected(major, minor));
  });

  test('negative keys before positive ones', () => {
    expect(sorted([3, -1, 0, -0x80000000, 0x7fffffff], null)).toEqual([3, 1, 2, 0, 4]);
  });

  test('that are in order, or in the opposite order', () => {
    const keys = numbers(3000, 1 << 20, 1).sort((a, b) => a - b);
    expect(sorted(keys, null)).toEqual(expected(keys, []));
    expect(sorted([...keys].reverse(), null)).toEqual(expected([...keys].reverse(), []));
  });
});
