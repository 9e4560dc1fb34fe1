/**
 * NAMEs of the strings of types and records. Strings may begin inside of others: a table of a few kilobytes then
 * describes megabytes of text. So the text of a long one is read once, however many strings begin in it.
 *
 * UNIT.wholes has two words for each block of a string table: where the string that reaches over the end of the
 * block before begins (offset), and its NAME. Blocks are as long as short strings may be, so a long string has one.
 */

import { HEADER, NAME, UNIT } from '../../image/layout.ts';
import { byte, setWord, word } from '../../image/memory.ts';
import { alloc, HASH_BASE, intern, internEnd, internHashed, isWhole } from '../../image/tables.kernel.ts';

const BLOCK_SHIFT = 6;
const BLOCK = 64;

/** NAME of the string at an address in the strings of a unit, which are complete. */
export function textName(unit: number, at: number): number {
  let hash = 0;
  let end = at;
  let letter = byte(end);
  while (letter !== 0 && end < at + BLOCK) {
    hash = (Math.imul(hash, HASH_BASE) + letter) | 0;
    end = end + 1;
    letter = byte(end);
  }
  if (letter !== 0) return longName(unit, at);
  return end === at ? 0 : internHashed(at, end - at, hash ^ (hash >>> 15));
}

/**
 * As `textName`, for names that come in the order of a file: what followed the one before in another file is tried first.
 * Its text and columns are near what was looked at just now, and it needs no hash.
 */
export function nextTextName(unit: number, at: number): number {
  const last = word(HEADER.lastName);
  let name = word(word(NAME.follower) + last);
  if (name === 0 || word(word(NAME.size) + name) > BLOCK || isWhole(name, at) === 0) {
    name = textName(unit, at);
    setWord(word(NAME.follower) + last, name);
  }
  setWord(HEADER.lastName, name);
  return name;
}

function longName(unit: number, at: number): number {
  const strings = word(word(UNIT.strings) + unit);
  if (word(word(UNIT.wholes) + unit) === 0) {
    const room = alloc(((word(word(UNIT.stringSize) + unit) >>> BLOCK_SHIFT) + 2) << 3);
    setWord(word(UNIT.wholes) + unit, room >> 2);
  }
  const blocks = word(word(UNIT.wholes) + unit);
  const block = blocks + (((at - strings + BLOCK - 1) >>> BLOCK_SHIFT) << 1);
  if (word(block + 1) === 0) noteWhole(strings, blocks, at);
  const from = at - strings - word(block);
  return from === 0 ? word(block + 1) : internEnd(word(block + 1), from);
}

/** Enters the string around an address in its blocks. */
function noteWhole(strings: number, blocks: number, at: number): number {
  let first = at;
  while (first > strings && byte(first - 1) !== 0) first = first - 1;
  const whole = intern(first);
  const offset = first - strings;
  const last = offset + word(word(NAME.size) + whole);
  for (let place = (offset + BLOCK - 1) & -BLOCK; place <= last; place = place + BLOCK) {
    const block = blocks + ((place >>> BLOCK_SHIFT) << 1);
    setWord(block, offset);
    setWord(block + 1, whole);
  }
  return whole;
}
