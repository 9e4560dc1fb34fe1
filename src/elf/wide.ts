/** Fields of 64 bits in the words of an image, as numbers. */

import { elementAt } from '../bytes/index.ts';

const TWO_32 = 0x100000000;

/** The two words at a word index, low word first; inexact above 2^53. */
export function wideNumber(words: Int32Array, index: number): number {
  return numberOfWords(elementAt(words, index), elementAt(words, index + 1));
}

/** The number of 64 bits with these words; inexact above 2^53. */
export function numberOfWords(low: number, high: number): number {
  return (high >>> 0) * TWO_32 + (low >>> 0);
}

/** The upper 32 bits of a safe integer that is not negative. */
export function highWord(value: number): number {
  return Math.floor(value / TWO_32);
}
