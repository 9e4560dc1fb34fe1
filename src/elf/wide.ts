/** Fields of 64 bits in the words of an image, as numbers. */

import { elementAt } from '../bytes/index.ts';

const TWO_32 = 0x100000000;

/** The two words at a word index, low word first; inexact above 2^53. */
export function wideNumber(words: Int32Array, index: number): number {
  const low = elementAt(words, index) >>> 0;
  const high = elementAt(words, index + 1) >>> 0;
  return high * TWO_32 + low;
}
