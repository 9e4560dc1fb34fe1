/** Checks the types of a unit; the memory that this takes is given back unless there is a fault. */

import { HEADER, UNIT } from '../../image/layout.ts';
import { word } from '../../image/memory.ts';
import { alloc, giveBack } from '../../image/tables.kernel.ts';
import { isAscii, markUtf8 } from '../../image/utf8.kernel.ts';
import { checkRules, listKinds } from './check.kernel.ts';
import { checkValues } from './check-values.kernel.ts';
import { shapes } from './shapes.kernel.ts';
import { VALUE_COLUMNS } from './value-state.ts';

/**
 * Checks the types from id `first` on; the first rule that is broken is a fault, and the result 0. Types after
 * the first must not be part of those before: only `first` 1 checks how types contain each other.
 */
export function checkTypes(unit: number, first: number): number {
  shapes(); // which stays
  const width = word(word(UNIT.typeCount) + unit) + 1;
  const strings = word(word(UNIT.strings) + unit);
  const stringSize = word(word(UNIT.stringSize) + unit);
  const kindBytes = (width + 3) & -4;
  const columns = Math.imul(VALUE_COLUMNS, width) << 2;
  const ascii = isAscii(strings, stringSize);
  const size = kindBytes + columns + (ascii === 1 ? 0 : stringSize);
  const kinds = alloc(size);
  const end = word(HEADER.top);
  const utf8 = ascii === 1 ? 0 : markUtf8(strings, stringSize, kinds + kindBytes + columns);
  if (listKinds(unit, kinds) === 0 || checkRules(unit, first, kinds, utf8) === 0) return 0;
  if (first === 1 && checkValues(unit, kinds, (kinds + kindBytes) >> 2) === 0) return 0;
  if (word(HEADER.top) === end) giveBack(kinds);
  return 1;
}
