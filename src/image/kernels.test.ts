import { describe, expect, test } from 'vitest';
import * as get from './get.kernel.ts';
import type { Image } from './image.ts';
import { HEADER } from './layout.ts';
import * as put from './put.kernel.ts';
import * as records from './sort-records.kernel.ts';
import * as tables from './tables.kernel.ts';
import { inEachForm } from './testing.ts';
import * as utf8 from './utf8.kernel.ts';

const ORDERS = [
  [0, 'little-endian'],
  [1, 'big-endian'],
] as const;
const VALUES = [0, 1, -1, 0x12345678, 0x7fffffff, -0x80000000, 0x80, 0xff00];

function bytesAt(image: Image, at: number, size: number): number[] {
  return [...image.bytes.subarray(at, at + size)];
}

function viewOf(image: Image): DataView {
  return new DataView(image.bytes.buffer);
}

describe.each(ORDERS)('numbers of a file of order %i (%s)', order => {
  const isLittle = order === 0;

  test('of 32 bits are written and read at any address', () => {
    inEachForm(image => {
      const at = image.add(new Uint8Array(64));
      for (const value of VALUES)
        for (let offset = 0; offset < 8; offset++) {
          expect(image.run(put).putWord(at + offset, value, order)).toBe(at + offset + 4);
          expect(viewOf(image).getInt32(at + offset, isLittle)).toBe(value);
          expect(image.run(get).getUnalignedWord(at + offset, order)).toBe(value);
          if (offset % 4 === 0) expect(image.run(get).getWord(at + offset, order)).toBe(value);
        }
      return at;
    });
  });

  test('of 64 bits are written and read at any address', () => {
    inEachForm(image => {
      const at = image.add(new Uint8Array(64));
      for (let offset = 0; offset < 8; offset++) {
        image.run(put).putLong(at + offset, -2, 0x01020304, order);
        expect(viewOf(image).getBigInt64(at + offset, isLittle)).toBe(0x01020304fffffffen);
        expect(image.run(get).getUnalignedLow(at + offset, order)).toBe(-2);
        expect(image.run(get).getUnalignedHigh(at + offset, order)).toBe(0x01020304);
      }
      return at;
    });
  });

  test('of 16 bits, and runs of words', () => {
    inEachForm(image => {
      const at = image.add(new Uint8Array(64));
      expect(image.run(put).putHalf(at, 0x1f0e0d, order)).toBe(at + 2);
      expect(viewOf(image).getUint16(at, isLittle)).toBe(0x0e0d);
      const first = image.add(new Uint8Array(Int32Array.of(1, -2, 3).buffer)) >> 2;
      expect(image.run(put).putWords(at + 4, first, 3, order)).toBe(at + 16);
      expect([0, 1, 2].map(index => viewOf(image).getInt32(at + 4 + 4 * index, isLittle))).toEqual([
        1, -2, 3,
      ]);
      return bytesAt(image, at, 16);
    });
  });
});

test('little-endian words are read at any address', () => {
  inEachForm(image => {
    const at = image.add(Uint8Array.of(0, 0xfe, 2, 3, 0x84));
    expect(image.run(get).unalignedWord(at + 1)).toBe(-0x7bfcfd02);
    return image.run(put).swapped(0x01020384);
  });
});

/** Texts that are UTF-8, and bytes that are not; the decoder of the platform decides. */
const TEXTS: readonly (readonly number[])[] = [
  [],
  [0x61],
  [0x7f],
  [0xc3, 0xa4],
  [0xc1, 0xbf],
  [0xdf, 0xbf],
  [0x80],
  [0xe0, 0xa0, 0x80],
  [0xe0, 0x9f, 0xbf],
  [0xed, 0x9f, 0xbf],
  [0xed, 0xa0, 0x80],
  [0xef, 0xbf, 0xbf],
  [0xe2, 0x82],
  [0xe2, 0x28, 0xa1],
  [0xf0, 0x90, 0x80, 0x80],
  [0xf0, 0x8f, 0xbf, 0xbf],
  [0xf4, 0x8f, 0xbf, 0xbf],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xff],
];

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

test('text is UTF-8 where the platform decodes it', () => {
  inEachForm(image =>
    TEXTS.map(text => {
      const bytes = Uint8Array.of(0x78, ...text, 0x79, ...text);
      const result = image.run(utf8).isUtf8(image.add(bytes), bytes.length);
      expect(result, bytes.join(' ')).toBe(isText(bytes) ? 1 : 0);
      return result;
    }),
  );
});

describe('rows and memory', () => {
  test('are given back and are zero again', () => {
    inEachForm(image => {
      const { alloc, giveBack } = image.run(tables);
      const top = image.words[HEADER.top];
      const at = alloc(100);
      image.bytes.fill(7, at, at + 100);
      expect([at % 16, giveBack(at), image.words[HEADER.top]]).toEqual([0, top, top]);
      expect(bytesAt(image, alloc(100), 100)).toEqual(new Array(100).fill(0));
      return at;
    });
  });

  test('equal texts have one name, however many there are', () => {
    inEachForm(image => {
      const texts = Array.from({ length: 5000 }, (_, index) => `name${index}`);
      const names = texts.map(text => image.intern(text));
      expect(new Set(names).size).toBe(texts.length);
      expect(texts.map(text => image.intern(text))).toEqual(names);
      expect(names.map(name => image.nameText(name))).toEqual(texts);
      return names.length;
    });
  });

  test.each([2, 3, 4])('records of %i words are sorted by the first, equal ones stay in order', width => {
    inEachForm(image => {
      const keys = Array.from({ length: 50 }, (_, index) => ((index * 7) % 11) - 5);
      const words = keys.flatMap((key, index) => [key, ...new Array(width - 1).fill(index)]);
      const first = image.add(new Uint8Array(Int32Array.from(words).buffer)) >> 2;
      image.run(records).sortRecords(first, keys.length, width);
      const sorted = [...image.words.subarray(first, first + words.length)];
      const expected = keys
        .map((key, index) => [key, index] as const)
        .sort(([a], [b]) => a - b)
        .flatMap(([key, index]) => [key, ...new Array(width - 1).fill(index)]);
      expect(sorted).toEqual(expected);
      return sorted;
    });
  });
});

describe('memory that nothing refers to any more', () => {
  test('is given out again, as zeros, and only where there is enough of it', () => {
    inEachForm(image => {
      const { alloc, allocSpare, giveSpare } = image.run(tables);
      const first = alloc(100);
      const second = alloc(1000);
      image.bytes.fill(7, second, second + 1000);
      giveSpare(second, 1000);
      giveSpare(first, 100);
      const top = image.words[HEADER.top];
      expect(allocSpare(500)).toBe(second);
      expect(bytesAt(image, second, 500)).toEqual(new Array(500).fill(0));
      expect(allocSpare(2000)).toBe(top);
      expect(allocSpare(400)).toBe(second + 512);
      expect(bytesAt(image, second + 512, 400)).toEqual(new Array(400).fill(0));
      expect(allocSpare(200)).toBeGreaterThan(second + 1000);
      return second;
    });
  });

  test('is refused for more than there can be', () => {
    inEachForm(image => {
      expect(() => image.run(tables).allocSpare(-1)).toThrow('2 GiB');
      expect(() => image.run(tables).allocSpare(0x7fffffff)).toThrow('2 GiB');
      return 1;
    });
  });
});
