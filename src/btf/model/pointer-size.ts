/**
 * The size of pointers, by the types alone. Printing needs it; `check-values.kernel.ts` has the same rule for
 * types in columns.
 */

import { elementAt } from '../../bytes/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import type { RawBtf } from './raw.ts';

/** Names that compilers have for `long` and `unsigned long`. */
const LONG = /^(long|long int|long unsigned int|unsigned long)$/;

/** 4 when `long` takes 4 bytes (types of a 32-bit kernel), otherwise 8. */
export function pointerSize(btf: RawBtf): number {
  for (let id = 1; id <= btf.count; id++) {
    if (btf.kindOf(id) === BTF_KIND.INT && LONG.test(btf.nameOf(id))) {
      return elementAt(btf.words, elementAt(btf.start, id) + 2) === 4 ? 4 : 8;
    }
  }
  return 8;
}
