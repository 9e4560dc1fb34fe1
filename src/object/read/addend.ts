/** Addends that REL relocations keep in the data they apply to. */

import { type ByteOrder, viewOf } from '../../bytes/index.ts';
import { inputError } from '../../diag/index.ts';

/**
 * Four or eight bytes in place, as a signed number: the addend of a REL relocation in data. Throws
 * `object-addend`, at `where`, for a number of more than 53 bits: no offset is that large.
 */
export function addendInData(
  bytes: Uint8Array,
  offset: number,
  width: 4 | 8,
  file: { readonly order: ByteOrder; readonly where: () => readonly string[] },
): number {
  const view = viewOf(bytes);
  const little = file.order === 'little';
  if (width === 4) return view.getInt32(offset, little);
  const addend = view.getBigInt64(offset, little);
  if (addend === BigInt.asIntN(53, addend)) return Number(addend);
  throw inputError('object-addend', file.where(), `holds the addend ${addend}, which is not an offset`, {
    offset,
  });
}
