/**
 * Types that stay in an image: those of a kernel, which are megabytes. Separate from `columns.ts`, since searches are
 * made for them and copy types there.
 */

import { type Image, UNIT } from '../../image/index.ts';
import * as tables from '../../image/tables.kernel.ts';
import { SEARCH_BYTES } from './find-types.ts';
import * as placed from './placed.kernel.ts';
import { RawBtf } from './raw.ts';

/**
 * The types of a unit where they are, in an image that has nothing else and is kept for them: nothing may be added
 * to it afterwards but what fits into the memory for searches.
 */
export function btfIn(image: Image, unit: number): RawBtf {
  const count = image.get(UNIT.typeCount, unit);
  const scratch = image.run(tables).alloc(SEARCH_BYTES);
  const starts = image.run(tables).alloc((count + 2) * 4);
  image.run(placed).writeStarts(unit, starts >> 2);
  image.keep();
  const { buffer } = image.words;
  const words = new Uint32Array(buffer, image.get(UNIT.words, unit) * 4, image.get(UNIT.wordCount, unit));
  const strings = new Uint8Array(buffer, image.get(UNIT.strings, unit), image.get(UNIT.stringSize, unit));
  return new RawBtf(words, new Uint32Array(buffer, starts, count + 2), strings, { image, unit, scratch });
}
