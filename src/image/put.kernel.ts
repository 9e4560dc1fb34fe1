/** Numbers in files of either byte order: `order` is 0 for little-endian, 1 for big-endian. */

import { copy, setByte, setHalf, setWord, word } from './memory.ts';

/** The word with its bytes reversed. */
export function swapped(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

/** 16 bits at an even address. */
export function putHalf(at: number, value: number, order: number): number {
  setHalf(at, order === 0 ? value & 0xffff : ((value << 8) & 0xff00) | ((value >>> 8) & 0xff));
  return at + 2;
}

/** 32 bits at any address. */
export function putWord(at: number, value: number, order: number): number {
  const bytes = order === 0 ? value : swapped(value);
  if ((at & 3) === 0) {
    setWord(at >> 2, bytes);
    return at + 4;
  }
  setByte(at, bytes & 0xff);
  setByte(at + 1, (bytes >>> 8) & 0xff);
  setByte(at + 2, (bytes >>> 16) & 0xff);
  setByte(at + 3, bytes >>> 24);
  return at + 4;
}

/** 64 bits at any address, from two words. */
export function putLong(at: number, low: number, high: number, order: number): number {
  putWord(at, order === 0 ? low : high, order);
  return putWord(at + 4, order === 0 ? high : low, order);
}

/** Copies `count` words from word index `first` to an address that is a multiple of 4. */
export function putWords(at: number, first: number, count: number, order: number): number {
  if (order === 0) copy(at, first << 2, count << 2);
  else
    for (let index = 0; index < count; index = index + 1)
      setWord((at >> 2) + index, swapped(word(first + index)));
  return at + (count << 2);
}
