/**
 * The types of the running kernel, which are megabytes: read into an image of their own, where they stay. The kernel
 * has generated or checked them, so the rules are not checked again.
 */

import { type ByteOrder, type FileSource, WASM_PAGE } from '../../bytes/index.ts';
import { Image, UNIT } from '../../image/index.ts';
import * as tables from '../../image/tables.kernel.ts';
import { btfIn, placeBytes, type RawBtf } from '../model/index.ts';
import { type SectionPlace, scanTypesAt } from './read-sections.ts';

/** Bytes for what reading allocates besides. */
const SPARE = 1 << 13;

/**
 * Types of a kernel. `mapOver` puts the file in place of the pages that it is given, or returns false; memory that the
 * engine may give to others is not given to it. The image is freed when nothing refers to what this returns.
 */
export function parseKernelBtf(
  source: FileSource,
  order: ByteOrder,
  mapOver?: (pages: Uint8Array) => boolean,
): RawBtf {
  const image = new Image();
  try {
    const unit = image.addUnit('');
    image.set(UNIT.order, unit, order === 'little' ? 0 : 1);
    const isKept = image.keep();
    // an engine counts each memory that it has grown
    image.run(tables).makeRoom(source.size + 2 * WASM_PAGE + placeBytes(source.size) + SPARE);
    const place = (isKept ? mapped(image, source.size, mapOver) : undefined) ?? copied(image, source);
    scanTypesAt(image, unit, place.file, place.starts >> 2);
    return btfIn(image, unit, place.starts);
  } catch (error) {
    image.release();
    throw error;
  }
}

interface Placed {
  readonly file: SectionPlace;
  /** Address for `btfIn`. */
  readonly starts: number;
}

/** The file over pages of the image, which must not grow afterwards: there is room for all that is needed. */
function mapped(
  image: Image,
  size: number,
  mapOver: ((pages: Uint8Array) => boolean) | undefined,
): Placed | undefined {
  if (mapOver === undefined || size === 0) return undefined;
  const { alloc } = image.run(tables);
  const at = (alloc(size + 2 * WASM_PAGE) + WASM_PAGE - 1) & -WASM_PAGE;
  const starts = alloc(placeBytes(size));
  return mapOver(image.bytes.subarray(at, at + size)) ? { file: { at, size }, starts } : undefined;
}

function copied(image: Image, source: FileSource): Placed {
  const file = image.addFile({ name: '', bytes: new Uint8Array(), open: () => source });
  const { alloc, makeRoom } = image.run(tables);
  makeRoom(placeBytes(file.size) + SPARE);
  return { file, starts: alloc(placeBytes(file.size)) };
}
