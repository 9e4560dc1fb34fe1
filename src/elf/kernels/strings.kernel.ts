/**
 * Names out of a string table of an untrusted file.
 *
 * HEADER.strings… say which table is open. The sum of all names is limited, because overlapping strings let a
 * small file describe names of quadratic size. Names are UTF-8: others could not be written back.
 */

import { HEADER, NAME, SECTION, UNIT } from '../../image/layout.ts';
import { byte, setWord, word } from '../../image/memory.ts';
import { fault, intern } from '../../image/tables.kernel.ts';
import { ELF_FAULT } from '../faults.ts';

/** Tail sharing lets names add up to more than their table; compilers stay far below this multiple. */
const BUDGET_SHIFT = 3;
const BUDGET_BASE = 0x10000;
/** The largest file whose budget is below 2^31; it is enough for larger files. */
const BUDGET_FILE = 0x0fff0000;

/** Opens the contents of a section as a string table. */
export function openStrings(unit: number, section: number): number {
  const at = word(word(SECTION.at) + section);
  const size = at === 0 ? 0 : word(word(SECTION.size) + section);
  const file = word(word(UNIT.size) + unit);
  let end = size - 1;
  while (end >= 0 && byte(at + end) !== 0) end = end - 1;
  setWord(HEADER.stringsAt, at);
  setWord(HEADER.stringsSize, size);
  setWord(HEADER.stringsEnd, end);
  setWord(HEADER.stringsBudget, ((file < BUDGET_FILE ? file : BUDGET_FILE) << BUDGET_SHIFT) + BUDGET_BASE);
  setWord(HEADER.stringsAscii, isAscii(at, size));
  return size;
}

/** NAME of the text at an offset of the open table; -1 after a fault. `index`: of what is named. */
export function nameAt(unit: number, offset: number, index: number): number {
  if (offset < 0 || offset > word(HEADER.stringsEnd)) {
    const outside = offset < 0 || offset >= word(HEADER.stringsSize) ? 1 : 0;
    const code = outside === 1 ? ELF_FAULT.nameOffset : ELF_FAULT.nameUnterminated;
    return fault(code, unit, index, offset) - 1;
  }
  const name = intern(word(HEADER.stringsAt) + offset);
  const size = word(word(NAME.size) + name);
  const budget = word(HEADER.stringsBudget) - size;
  if (budget < 0) return fault(ELF_FAULT.nameBudget, unit, index, offset) - 1;
  setWord(HEADER.stringsBudget, budget);
  if (word(HEADER.stringsAscii) === 0 && isUtf8(word(word(NAME.at) + name), size) === 0) {
    return fault(ELF_FAULT.nameEncoding, unit, index, offset) - 1;
  }
  return name;
}

function isAscii(at: number, size: number): number {
  const end = at + size;
  let next = at;
  while ((next & 3) !== 0 && next < end && byte(next) < 0x80) next = next + 1;
  if ((next & 3) === 0) while (next + 4 <= end && (word(next >> 2) & 0x80808080) === 0) next = next + 4;
  while (next < end && byte(next) < 0x80) next = next + 1;
  return next === end ? 1 : 0;
}

function isUtf8(at: number, size: number): number {
  const end = at + size;
  let next = at;
  while (next < end) {
    const width = sequenceSize(next, end);
    if (width === 0) return 0;
    next = next + width;
  }
  return 1;
}

/** Bytes of the character at an address; 0: not one of UTF-8. */
function sequenceSize(at: number, end: number): number {
  const lead = byte(at);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (size > end - at || isSecond(lead, byte(at + 1)) === 0) return 0;
  for (let i = 2; i < size; i = i + 1) if ((byte(at + i) & 0xc0) !== 0x80) return 0;
  return size;
}

/** Whether the second byte makes neither an overlong form, nor a surrogate, nor more than U+10FFFF. */
function isSecond(lead: number, second: number): number {
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return second >= low && second <= high ? 1 : 0;
}
