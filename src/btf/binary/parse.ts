/**
 * `.BTF` bytes to types.
 *
 * The kernels read and check in an image of their own: what comes out can be used without further checks.
 * Accepts both byte orders, the header with a layout section, and the wide info word.
 *
 * Differs from libbpf: names must be terminated, kinds must fit where they are used, and types may not
 * contain themselves. libbpf leaves that to the kernel, or crashes.
 */

import type { ByteOrder } from '../../bytes/index.ts';
import type { Limits } from '../../diag/index.ts';
import { Image, UNIT } from '../../image/index.ts';
import { type Btf, btfOf } from '../model/index.ts';
import { readTypesAt, type SectionPlace } from './read-sections.ts';

/**
 * Types of a `.BTF` section (or of a file of types). Throws with places that start with `section ".BTF"`. `limits`: of
 * input, as `--limits` takes them (docs/robustness.md).
 */
export function parseBtf(
  bytes: Uint8Array,
  order: ByteOrder,
  options: { readonly limits?: Limits } = {},
): Btf {
  return readInImage(bytes, order, options.limits, (image, unit, place) => {
    readTypesAt(image, unit, place);
    return btfOf(image, unit);
  });
}

/** What `read` makes of a section in an image of its own, in a unit without anything else. */
function readInImage<T>(
  bytes: Uint8Array,
  order: ByteOrder,
  limits: Limits | undefined,
  read: (image: Image, unit: number, place: SectionPlace) => T,
): T {
  const image = new Image(limits);
  try {
    const unit = image.addUnit('');
    image.set(UNIT.order, unit, order === 'little' ? 0 : 1);
    return read(image, unit, { at: image.add(bytes), size: bytes.length });
  } finally {
    image.release();
  }
}
