/** What kernels compute with 32-bit words: products, and which strings are UTF-8, against the host. */

import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../test/hostile/random.ts';
import { Image } from '../../image/index.ts';
import * as utf8 from '../../image/utf8.kernel.ts';
import * as numbers from './numbers.kernel.ts';

const EDGES = [0, 1, 2, 0xffff, 0x10000, 0x10001, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

test.each(EDGES)('products of %i', a => {
  const { productOverflows } = new Image().run(numbers);
  const random = new SeededRandom(a + 1);
  for (const b of [...EDGES, ...Array.from({ length: 50 }, () => random.below(0x7fffffff))]) {
    const expected = BigInt(a) * BigInt(b) > 0xffffffffn ? 1 : 0;
    expect([b, productOverflows(a | 0, b | 0)]).toEqual([b, expected]);
  }
});

const strict = new TextDecoder('utf-8', { fatal: true });

function isText(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

describe('strings of a table', () => {
  const BYTES = [
    0, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4,
  ];
  const MORE = [0xf5, 0xff];

  test('are UTF-8 where the host decodes them', () => {
    const image = new Image();
    const { markUtf8 } = image.run(utf8);
    const random = new SeededRandom(5);
    let faithful = 0;
    for (let round = 0; round < 400; round++) {
      const table = Uint8Array.from({ length: 60 }, () => random.pick([...BYTES, ...MORE]));
      table[59] = 0;
      const at = image.add(table);
      const marks = markUtf8(at, table.length, image.add(new Uint8Array(table.length)));
      for (let offset = 0; offset < table.length; offset++) {
        const expected = isText(table.subarray(offset, table.indexOf(0, offset)));
        expect([round, offset, image.bytes[marks + offset]]).toEqual([round, offset, expected ? 1 : 0]);
        if (expected) faithful++;
      }
    }
    expect(faithful).toBeGreaterThan(1000);
  });

  test('are ASCII without the highest bit, wherever it is', () => {
    const image = new Image();
    const { isAscii } = image.run(utf8);
    const at = image.add(new Uint8Array(64));
    for (let start = 0; start < 20; start++) {
      for (let size = 0; size < 40; size++) {
        expect(isAscii(at + start, size)).toBe(1);
        for (let place = 0; place < 64; place++) {
          image.bytes[at + place] = 0x80;
          const inside = place >= start && place < start + size;
          if (isAscii(at + start, size) !== (inside ? 0 : 1)) throw new Error(`${start} ${size} ${place}`);
          image.bytes[at + place] = 0;
        }
      }
    }
  });
});
