/** Columns as arrays. Separate from the image, which knows no tables. */

import type { Image } from './image.ts';

/** A column as an array by row; valid until something is added to the image. */
export function columnOf(image: Image, column: number): Int32Array {
  const { words } = image;
  return words.subarray(words[column]);
}
