/**
 * Names out of a string table of an untrusted file.
 *
 * HEADER.strings… say which table is open. The sum of all names is limited (HEADER.fileNames), because overlapping
 * strings let a small file describe names of quadratic size. Names are UTF-8: others could not be written back.
 */

import { HEADER, NAME, SECTION } from '../../image/layout.ts';
import { byte, setWord, word } from '../../image/memory.ts';
import { fault, intern } from '../../image/tables.kernel.ts';
import { isAscii, isUtf8 } from '../../image/utf8.kernel.ts';
import { ELF_FAULT } from '../faults.ts';

/** Opens the contents of a section as a string table. */
export function openStrings(section: number): number {
  const at = word(word(SECTION.at) + section);
  const size = at === 0 ? 0 : word(word(SECTION.size) + section);
  let end = size - 1;
  while (end >= 0 && byte(at + end) !== 0) end = end - 1;
  setWord(HEADER.stringsAt, at);
  setWord(HEADER.stringsSize, size);
  setWord(HEADER.stringsEnd, end);
  setWord(HEADER.stringsBudget, word(HEADER.fileNames));
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
