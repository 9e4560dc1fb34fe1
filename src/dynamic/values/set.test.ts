import { expect, test } from 'vitest';
import { givenRanges, storeWords } from './set.ts';

test.each<readonly [readonly number[], readonly (readonly number[])[]]>([
  [[], []],
  [[0, 0], []],
  [
    [0xff, 0xff, 0, 0x0f],
    [
      [0, 2],
      [3, 4],
    ],
  ],
  [[0, 0xff, 0xff], [[1, 3]]],
])('ranges of %j', (mask, ranges) => {
  expect(givenRanges(Uint8Array.from(mask))).toEqual(ranges);
});

test('words: every range is copied, and nothing beside it', () => {
  const from = Uint8Array.from({ length: 24 }, (_, at) => at + 1);
  for (let first = 0; first <= 24; first++)
    for (let last = first; last <= 24; last++) {
      const memory = new Uint8Array(24);
      storeWords(memory, from, first, last);
      expect(memory).toEqual(from.map((byte, at) => (at >= first && at < last ? byte : 0)));
    }
});
