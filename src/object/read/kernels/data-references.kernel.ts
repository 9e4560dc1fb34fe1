/** Relocations in data. */

import { ATOM, UNIT } from '../../../image/layout.ts';
import { fill, word } from '../../../image/memory.ts';
import { OBJECT_FAULT } from '../faults.ts';
import { atomCovering } from './atoms.kernel.ts';
import { dataWord, looseHigh, looseLow } from './bytes.kernel.ts';
import { READER } from './reader.ts';
import { addReference, widthOf } from './rows.kernel.ts';
import { isDebug } from './sections.kernel.ts';
import { refuse, state } from './state.kernel.ts';
import { isReachable, targetOf } from './target.kernel.ts';

/** REFERENCE.kind of addresses of 4 and 8 bytes. */
const ADDRESS_4 = 2;
const ADDRESS_8 = 3;

/** Returns 0, with a fault, for a relocation that refers to nothing. */
export function readDataRelocation(unit: number, section: number, record: number): number {
  const offset = word(record);
  const type = word(record + 2);
  const atom = atomCovering(section, offset);
  if (atom === 0) return refuse(OBJECT_FAULT.relocationPlace, unit, section, offset, 0, 0, 0);
  const place = offset - word(word(ATOM.offset) + atom);
  const size = word(word(ATOM.size) + atom);
  if (place >= size) return refuse(OBJECT_FAULT.relocationPlace, unit, section, offset, 0, 0, 0);
  const width = widthOf(type);
  const at = word(word(ATOM.at) + atom);
  if (width === 0 || at === 0 || place > size - width)
    return refuse(OBJECT_FAULT.relocationData, unit, atom, offset, type, 0, 0);
  const order = word(word(UNIT.order) + unit);
  const low = width === 4 ? dataWord(at + place, order) : looseLow(at + place, order);
  const high = width === 4 ? low >> 31 : looseHigh(at + place, order);
  // 53 bits: no offset is larger
  if ((high << 11) >> 11 !== high) return refuse(OBJECT_FAULT.dataAddend, unit, atom, place, low, high, 0);
  fill(at + place, 0, width);
  const symbol = word(word(UNIT.symbols) + unit) + word(record + 3);
  if (isDebug(section) === 1 && isReachable(unit, symbol, low, high) === 0) return 1; // such a place stays 0
  const target = targetOf(unit, atom, offset, symbol, low, high);
  if (target === 0) return 0;
  return addReference(
    atom,
    width === 4 ? ADDRESS_4 : ADDRESS_8,
    place,
    target,
    state(READER.addend),
    state(READER.high),
  );
}
