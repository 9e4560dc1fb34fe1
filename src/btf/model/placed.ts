/**
 * Types that stay in an image: those of a kernel, which are megabytes. Beside them is memory for where each type starts,
 * and for searches.
 */

import { type Image, UNIT } from '../../image/index.ts';
import { SEARCH_BYTES } from './find-types.ts';
import { RawBtf } from './raw.ts';

/** Words that a type has at least. */
const LEAST_WORDS = 3;

/** Words for each id from 0, and for the end, of types that take so many bytes. */
function idWords(bytes: number): number {
  return Math.floor(bytes / (4 * LEAST_WORDS)) + 2;
}

/** Bytes of memory, which is zero, that `btfIn` needs for types that take so many bytes. */
export function placeBytes(bytes: number): number {
  return 2 * 4 * idWords(bytes) + SEARCH_BYTES;
}

/**
 * The types of a unit where they are, in an image that is kept for them and does not grow any more. `at`: address of the
 * memory for them, which begins with where the types start.
 */
export function btfIn(image: Image, unit: number, at: number): RawBtf {
  const count = image.get(UNIT.typeCount, unit);
  const size = image.get(UNIT.wordCount, unit);
  const { buffer } = image.words;
  const start = new Uint32Array(buffer, at, count + 2);
  const words = new Uint32Array(buffer, image.get(UNIT.words, unit) * 4, size);
  const strings = new Uint8Array(buffer, image.get(UNIT.strings, unit), image.get(UNIT.stringSize, unit));
  const marks = at + 4 * (count + 2);
  const scratch = (marks + 4 * (count + 2) + 15) & -16;
  return new RawBtf(words, start, strings, { image, unit, starts: at >> 2, marks: marks >> 2, scratch });
}
