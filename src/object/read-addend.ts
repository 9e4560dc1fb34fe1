/** Addends that REL relocations keep in the data they apply to. */

import { type ByteOrder, viewOf } from '../bytes/index.ts';

/** Four or eight bytes in place, as a signed number: the addend of a REL relocation in data. */
export function addendInData(bytes: Uint8Array, offset: number, width: 4 | 8, order: ByteOrder): number {
  const view = viewOf(bytes);
  const little = order === 'little';
  if (width === 4) return view.getInt32(offset, little);
  return Number(BigInt.asIntN(53, view.getBigInt64(offset, little)));
}
