/** Relocations in data. */

import { REL } from '../../../elf/fields.ts';
import { REFERENCE_KIND } from '../../../image/codes.ts';
import { getUnalignedHigh, getUnalignedLow, getUnalignedWord } from '../../../image/get.kernel.ts';
import { ATOM, UNIT } from '../../../image/layout.ts';
import { fill, word } from '../../../image/memory.ts';
import { OBJECT_FAULT } from '../faults.ts';
import { atomCovering } from './atoms.kernel.ts';
import { READER } from './reader.ts';
import { addReference, widthOf } from './rows.kernel.ts';
import { isDebug } from './sections.kernel.ts';
import { refuse, state } from './state.kernel.ts';
import { isReachable, targetOf } from './target.kernel.ts';

/** Returns 0, with a fault, for a relocation that refers to nothing. */
export function readDataRelocation(unit: number, section: number, record: number): number {
  const offset = word(record);
  const type = word(record + REL.type);
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
  const low = width === 4 ? getUnalignedWord(at + place, order) : getUnalignedLow(at + place, order);
  const high = width === 4 ? low >> 31 : getUnalignedHigh(at + place, order);
  // 53 bits: no offset is larger
  if ((high << 11) >> 11 !== high) return refuse(OBJECT_FAULT.dataAddend, unit, atom, place, low, high, 0);
  fill(at + place, 0, width);
  const symbol = word(word(UNIT.symbols) + unit) + word(record + REL.symbol);
  if (isDebug(section) === 1 && isReachable(unit, symbol, low, high) === 0) return 1; // such a place stays 0
  const target = targetOf(unit, atom, offset, symbol, low, high);
  if (target === 0) return 0;
  return addReference(
    atom,
    width === 4 ? REFERENCE_KIND.data : REFERENCE_KIND.dataWide,
    place,
    target,
    state(READER.addend),
    state(READER.high),
  );
}
