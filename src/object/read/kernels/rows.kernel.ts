/** Rows of REFERENCE, and what relocations in data are. */

import { R_BPF_64_64, R_BPF_64_ABS32, R_BPF_64_ABS64 } from '../../../elf/constants.ts';
import { ATOM, REFERENCE } from '../../../image/layout.ts';
import { setWord, word } from '../../../image/memory.ts';
import { addRows } from '../../../image/tables.kernel.ts';

/** Bytes that a relocation in data changes; 0 for one that data does not have. clang before 13 wrote R_BPF_64_64. */
export function widthOf(type: number): number {
  if (type === R_BPF_64_ABS64 || type === R_BPF_64_64) return 8;
  return type === R_BPF_64_ABS32 ? 4 : 0;
}

/** A reference of an atom, whose references are the last rows of the table. */
export function addReference(
  atom: number,
  kind: number,
  place: number,
  target: number,
  addend: number,
  high: number,
): number {
  const row = addRows(REFERENCE.count, REFERENCE.width, 1);
  setWord(word(REFERENCE.kind) + row, kind);
  setWord(word(REFERENCE.place) + row, place);
  setWord(word(REFERENCE.atom) + row, target);
  setWord(word(REFERENCE.addend) + row, addend);
  setWord(word(REFERENCE.high) + row, high);
  const count = word(word(ATOM.referenceCount) + atom);
  if (count === 0) setWord(word(ATOM.references) + atom, row);
  setWord(word(ATOM.referenceCount) + atom, count + 1);
  return row;
}
