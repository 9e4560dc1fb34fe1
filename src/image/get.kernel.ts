/** Words of files: of either byte order (0 little-endian, 1 big-endian), and at any address. */

import { byte, word } from './memory.ts';
import { swapped } from './put.kernel.ts';

/** The word at an aligned address. */
export function getWord(at: number, order: number): number {
  const value = word(at >> 2);
  return order === 0 ? value : swapped(value);
}

/** The word at any address, little-endian. */
export function unalignedWord(at: number): number {
  return byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24);
}

/** The word at any address. */
export function getUnalignedWord(at: number, order: number): number {
  const value = unalignedWord(at);
  return order === 0 ? value : swapped(value);
}

/** Low and high word of 64 bits at any address. */
export function getUnalignedLow(at: number, order: number): number {
  return getUnalignedWord(order === 0 ? at : at + 4, order);
}

export function getUnalignedHigh(at: number, order: number): number {
  return getUnalignedWord(order === 0 ? at + 4 : at, order);
}
