/** Any `Btf` as words: itself when it is made of words, otherwise encoded type by type. */

import { RawBtf } from './raw.ts';
import { TypeWriter } from './type-writer.ts';
import type { Btf } from './types.ts';
import { validateTypes } from './validate.ts';

export function toRaw(btf: Btf): RawBtf {
  if (btf instanceof RawBtf) return btf;
  const writer = new TypeWriter();
  for (let id = 1; id <= btf.count; id++) writer.add(btf.type(id));
  const raw = writer.finish();
  validateTypes(raw);
  return raw;
}
