/**
 * The string table that is being built: of unit `HEADER.stringUnit`, at `UNIT.strings`, `UNIT.stringSize` bytes
 * of `HEADER.stringRoom`. `NAME.string` is the offset of a name in it, 0 as long as it is not there.
 *
 * There is one such table at a time. Offset 0 is the empty string; every other string is there once, in the
 * order in which it was first put. What was the end of a long string stays one (NAME.whole), so that the table is not
 * longer than those of the inputs together.
 */

import { HEADER, NAME, UNIT } from '../../image/layout.ts';
import { byte, copy, fill, setByte, setWord, word } from '../../image/memory.ts';
import { alloc } from '../../image/tables.kernel.ts';

/** Begins the strings of `unit`, which has none yet. `room`: bytes to expect; more are taken as needed. */
export function beginStrings(unit: number, room: number): number {
  forgetStrings(unit);
  const at = alloc(room + 16);
  setWord(word(UNIT.strings) + unit, at);
  setWord(word(UNIT.stringSize) + unit, 1);
  setWord(HEADER.stringRoom, room + 16);
  return at;
}

/** Names are in no table, and the next ones go into that of `unit`. */
function forgetStrings(unit: number): number {
  if (word(HEADER.stringUnit) !== 0) fill(word(NAME.string) << 2, 0, word(NAME.count) << 2);
  setWord(HEADER.stringUnit, unit);
  return unit;
}

/** Offset of a NAME in the string table that is being built. */
export function putString(name: number): number {
  if (name === 0) return 0;
  const known = word(word(NAME.string) + name);
  if (known !== 0) return known;
  return word(word(NAME.whole) + name) === 0 ? appendString(name) : putEnd(name);
}

/** Offset of a name that is the end of another, which is put instead, or of the name that this one is the end of. */
function putEnd(name: number): number {
  const wholes = word(NAME.whole);
  let whole = name;
  while (word(wholes + whole) !== 0 && word(word(NAME.string) + whole) === 0) whole = word(wholes + whole);
  const known = word(word(NAME.string) + whole);
  const sizes = word(NAME.size);
  const offset = (known === 0 ? appendString(whole) : known) + word(sizes + whole) - word(sizes + name);
  setWord(word(NAME.string) + name, offset);
  return offset;
}

function appendString(name: number): number {
  const unit = word(HEADER.stringUnit);
  const size = word(word(NAME.size) + name);
  const offset = word(word(UNIT.stringSize) + unit);
  if (offset + size >= word(HEADER.stringRoom)) moveStrings(unit, offset + size + 1);
  const text = word(word(NAME.at) + name);
  const at = word(word(UNIT.strings) + unit) + offset;
  if (size > 24) copy(at, text, size);
  else for (let i = 0; i < size; i = i + 1) setByte(at + i, byte(text + i));
  setByte(at + size, 0);
  setWord(word(UNIT.stringSize) + unit, offset + size + 1);
  setWord(word(NAME.string) + name, offset);
  return offset;
}

/** Takes room for at least twice what there is: where they are, if nothing was allocated since. */
function moveStrings(unit: number, needed: number): number {
  const size = word(word(UNIT.stringSize) + unit);
  const from = word(word(UNIT.strings) + unit);
  const room = (needed << 1) + 256;
  const end = (from + word(HEADER.stringRoom) + 15) & -16;
  if (end === word(HEADER.top)) {
    alloc(room + from - end);
    setWord(HEADER.stringRoom, room);
    return from;
  }
  const at = alloc(room);
  copy(at, from, size);
  setWord(word(UNIT.strings) + unit, at);
  setWord(HEADER.stringRoom, room);
  return at;
}
