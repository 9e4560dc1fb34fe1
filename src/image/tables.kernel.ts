/** Room in the image: memory, rows of tables, names. */

import { FAULT, HEADER, NAME } from './layout.ts';
import { byte, copy, fill, grow, setWord, word } from './memory.ts';

/** Room of new tables: little, so that the image of a small file is made, moved and cleared fast. */
const FIRST_ROWS = 32;
const FIRST_SLOTS = 512;
/** Tables with fewer rows grow to four times their room, at first to eight times, others to twice. */
const FEW_ROWS = 65536;

/** Address of `size` zero bytes, aligned to 16. They stay allocated (but see `giveBack`). */
export function alloc(size: number): number {
  const at = word(HEADER.top);
  const end = (at + size + 15) & -16;
  if (end > word(HEADER.limit) || end < at) grow(end);
  setWord(HEADER.top, end);
  return at;
}

/** Makes room for `size` bytes at once: memory that grows is copied. Returns the address of the first. */
export function makeRoom(size: number): number {
  const end = word(HEADER.top) + size;
  if (end > word(HEADER.limit) || end < size) grow(end);
  return word(HEADER.top);
}

/** Gives back everything from `at` on, which was allocated last: scratch of a kernel that added no rows since. */
export function giveBack(at: number): number {
  fill(at, 0, word(HEADER.top) - at);
  setWord(HEADER.top, at);
  return at;
}

/**
 * First of `rows` new rows of a table whose header starts at `table`. `width`: its number of columns. Word
 * indexes of columns that were read before are no longer valid.
 */
export function addRows(table: number, width: number, rows: number): number {
  const count = word(table) === 0 ? 1 : word(table);
  if (count + rows > word(table + 1)) enlarge(table, width, count + rows);
  setWord(table, count + rows);
  return count;
}

function enlarge(table: number, width: number, rows: number): number {
  const before = word(table + 1);
  let room = before === 0 ? FIRST_ROWS : before;
  // memory that nothing was written to costs nothing, and rows that move cost twice
  const growth = before < FEW_ROWS ? 2 : 1;
  while (room < rows) room = room << (room === FIRST_ROWS ? 3 : growth);
  const at = alloc(Math.imul(room << 2, width)) >> 2;
  for (let column = 0; column < width; column = column + 1) {
    const to = at + Math.imul(column, room);
    if (before !== 0) copy(to << 2, word(table + 2 + column) << 2, before << 2);
    setWord(table + 2 + column, to);
  }
  setWord(table + 1, room);
  return room;
}

/** Adds a fault; returns 0, so that a kernel can end with it. */
export function fault(code: number, unit: number, a: number, b: number): number {
  const row = addRows(FAULT.count, FAULT.width, 1);
  setWord(word(FAULT.code) + row, code);
  setWord(word(FAULT.unit) + row, unit);
  setWord(word(FAULT.a) + row, a);
  setWord(word(FAULT.b) + row, b);
  return 0;
}

// --- names --------------------------------------------------------------------------------------------------------

/** NAME of the text at an address, up to its NUL. The text must stay where it is. */
export function intern(at: number): number {
  let hash = 0;
  let end = at;
  let letter = byte(end);
  while (letter !== 0) {
    hash = Math.imul(hash ^ letter, 0x01000193);
    end = end + 1;
    letter = byte(end);
  }
  return end === at ? 0 : internHashed(at, end - at, hash ^ (hash >>> 15));
}

/** NAME of the first `size` bytes at an address, which have no NUL; the byte after them must be one. */
export function internHashed(at: number, size: number, hash: number): number {
  if (word(NAME.count) >= word(HEADER.nameMask) >>> 1) spreadNames();
  const slots = word(HEADER.nameSlots) >> 2;
  const mask = word(HEADER.nameMask);
  const hashes = word(NAME.hash);
  let slot = hash & mask;
  let name = word(slots + slot);
  while (name !== 0) {
    if (word(hashes + name) === hash && isName(name, at, size) === 1) return name;
    slot = (slot + 1) & mask;
    name = word(slots + slot);
  }
  name = addRows(NAME.count, NAME.width, 1);
  setWord(slots + slot, name);
  setWord(word(NAME.at) + name, at);
  setWord(word(NAME.size) + name, size);
  setWord(word(NAME.hash) + name, hash);
  return name;
}

function isName(name: number, at: number, size: number): number {
  if (word(word(NAME.size) + name) !== size) return 0;
  const text = word(word(NAME.at) + name);
  for (let i = 0; i < size; i = i + 1) if (byte(text + i) !== byte(at + i)) return 0;
  return 1;
}

/** A larger hash table of names, with all that there are. */
function spreadNames(): number {
  const before = word(HEADER.nameMask) + 1;
  const size = before === 1 ? FIRST_SLOTS : before << (before === FIRST_SLOTS ? 3 : 2);
  const at = alloc(size << 2);
  setWord(HEADER.nameSlots, at);
  setWord(HEADER.nameMask, size - 1);
  const hashes = word(NAME.hash);
  for (let name = 1; name < word(NAME.count); name = name + 1) {
    let slot = word(hashes + name) & (size - 1);
    while (word((at >> 2) + slot) !== 0) slot = (slot + 1) & (size - 1);
    setWord((at >> 2) + slot, name);
  }
  return size;
}
