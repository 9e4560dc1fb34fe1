/** Where types start, counted from the first: what a section of their own says (`RawBtf.start`). */

import { TYPE, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';

/** Writes a word for each id of a unit, from 0, and one for the end of the last type. */
export function writeStarts(unit: number, to: number): number {
  const starts = word(TYPE.start) + word(word(UNIT.types) + unit);
  const first = word(word(UNIT.words) + unit);
  const count = word(word(UNIT.typeCount) + unit);
  for (let id = 1; id <= count; id = id + 1) setWord(to + id, word(starts + id) - first);
  setWord(to, 0);
  setWord(to + count + 1, word(word(UNIT.wordCount) + unit));
  return count;
}
