/** Room in the image: memory, rows of tables, names. */

import { before, EQUAL_HASH, keyedText, PROBES, scattered, textKey } from './keys.kernel.ts';
import { FAULT, HEADER, NAME } from './layout.ts';
import { byte, copy, fill, grow, half, setWord, word } from './memory.ts';

/** Room of new tables: little, so that the image of a small file is made, moved and cleared fast. */
const FIRST_ROWS = 32;
const FIRST_SLOTS = 512;
/** Tables with fewer rows grow to four times their room, at first to eight times, others to twice. */
const FEW_ROWS = 65536;
/** No table can have as many rows: its columns would take more than an image has. */
const TOO_MANY_ROWS = 0x10000000;
/** More bytes than an image can have. */
const TOO_MUCH = 0x7fffffff;
/** Names are hashed as numbers to this base, so that the hashes of all ends of a text are known after one pass. */
export const HASH_BASE = 0x01000193;

/** Address of `size` zero bytes, aligned to 16. They stay allocated (but see `giveBack`). */
export function alloc(size: number): number {
  const at = word(HEADER.top);
  const end = (at + size + 15) & -16;
  if (size < 0 || end < at) grow(TOO_MUCH);
  if (end > word(HEADER.limit)) grow(end);
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

/** Memory that nothing refers to any more, from a multiple of 16 on: the largest part that there is stays known. */
export function giveSpare(at: number, size: number): number {
  if (size <= word(HEADER.spareSize)) return 0;
  setWord(HEADER.spareAt, at);
  setWord(HEADER.spareSize, size & -16);
  return at;
}

/** As `alloc`, of memory that was used before if there is enough: it cannot be given back. */
export function allocSpare(size: number): number {
  const spare = word(HEADER.spareSize);
  const taken = (size + 15) & -16;
  if (size < 0 || taken < 0 || taken > spare) return alloc(size);
  const at = word(HEADER.spareAt);
  fill(at, 0, taken);
  setWord(HEADER.spareAt, at + taken);
  setWord(HEADER.spareSize, spare - taken);
  return at;
}

/**
 * First of `rows` new rows of a table whose header starts at `table`. `width`: its number of columns. Word
 * indexes of columns that were read before are no longer valid.
 */
export function addRows(table: number, width: number, rows: number): number {
  const count = word(table) === 0 ? 1 : word(table);
  if (rows > word(table + 1) - count) enlarge(table, width, count, rows);
  setWord(table, count + rows);
  return count;
}

function enlarge(table: number, width: number, count: number, more: number): number {
  if (more >= TOO_MANY_ROWS - count) grow(TOO_MUCH);
  const rows = count + more;
  const before = word(table + 1);
  let room = before === 0 ? FIRST_ROWS : before;
  // memory that nothing was written to costs nothing, and rows that move cost twice
  while (room < rows) room = room << (room === FIRST_ROWS ? 3 : room < FEW_ROWS ? 2 : 1);
  return moveTable(table, width, room);
}

/** Makes room for `rows` rows of a table at least, of which nothing is used yet; as after `addRows`, indexes change. */
export function reserveRows(table: number, width: number, rows: number): number {
  if (rows >= TOO_MANY_ROWS) grow(TOO_MUCH);
  return rows > word(table + 1) ? moveTable(table, width, rows) : rows;
}

/** A table with its columns in new memory, for `room` rows. */
function moveTable(table: number, width: number, room: number): number {
  const before = word(table + 1);
  const at = alloc(tableSize(room, width)) >> 2;
  for (let column = 0; column < width; column = column + 1) {
    const to = at + Math.imul(column, room);
    if (before !== 0) copy(to << 2, word(table + 2 + column) << 2, before << 2);
    setWord(table + 2 + column, to);
  }
  setWord(table + 1, room);
  return room;
}

/** Bytes of a table; `TOO_MUCH` where 31 bits do not hold them. */
function tableSize(room: number, width: number): number {
  let size = 0;
  for (let column = 0; column < width && size >= 0; column = column + 1) size = (size + (room << 2)) | 0;
  return size < 0 ? TOO_MUCH : size;
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
    hash = (Math.imul(hash, HASH_BASE) + letter) | 0;
    end = end + 1;
    letter = byte(end);
  }
  return end === at ? 0 : internHashed(at, end - at, hash ^ (hash >>> 15));
}

/** NAME of the first `size` bytes at an address, which have no NUL; the byte after them must be one. */
export function internHashed(at: number, size: number, hash: number): number {
  return word(HEADER.namesKeyed) === 0 ? findOrAdd(at, size, hash) : findOrAdd(at, size, keyedText(at, size));
}

function findOrAdd(at: number, size: number, hash: number): number {
  if (word(NAME.count) >= word(HEADER.nameMask) >>> 1) spreadNames();
  const slots = word(HEADER.nameSlots) >> 2;
  const ring = word(HEADER.nameMask) << 1;
  let slot = (hash << 1) & ring;
  let name = word(slots + slot);
  let steps = 0;
  while (name !== 0) {
    if (word(slots + slot + 1) === hash) {
      if (isName(name, at, size) === 1) return name;
      steps = steps + EQUAL_HASH;
    }
    steps = steps + 1;
    slot = (slot + 2) & ring;
    name = word(slots + slot);
  }
  name = addRows(NAME.count, NAME.width, 1);
  setWord(slots + slot, name);
  setWord(slots + slot + 1, hash);
  setWord(word(NAME.at) + name, at);
  setWord(word(NAME.size) + name, size);
  if (steps > PROBES && word(HEADER.namesKeyed) === 0) hashByKey();
  return name;
}

function isName(name: number, at: number, size: number): number {
  return word(word(NAME.size) + name) === size ? isText(word(word(NAME.at) + name), at, size) : 0;
}

/** 1 when `size` bytes at two addresses are equal. What follows them is not looked at. */
function isText(text: number, at: number, size: number): number {
  const away = at - text;
  const end = text + size - 1;
  let place = text;
  while (place < end) {
    if (half(place) !== half(place + away)) return 0;
    place = place + 2;
  }
  return place > end || byte(place) === byte(place + away) ? 1 : 0;
}

/** 1 when the text at an address, up to its NUL, is that of a name. */
export function isWhole(name: number, at: number): number {
  const size = word(word(NAME.size) + name);
  return isText(word(word(NAME.at) + name), at, size) === 1 && byte(at + size) === 0 ? 1 : 0;
}

/** A larger hash table of names, with all that there are: two words for each, the name and its hash. */
function spreadNames(): number {
  const before = word(HEADER.nameMask) + 1;
  const size = before === 1 ? FIRST_SLOTS : before << (before === FIRST_SLOTS ? 3 : 2);
  const from = word(HEADER.nameSlots) >> 2;
  const to = alloc(size << 3) >> 2;
  setWord(HEADER.nameSlots, to << 2);
  setWord(HEADER.nameMask, size - 1);
  if (before > 1) moveNames(from, before << 1, to, (size - 1) << 1);
  return size;
}

/** Enters the names of a hash table that takes `words` words into another, of whose places `ring` has the bits. */
function moveNames(from: number, words: number, to: number, ring: number): number {
  for (let old = from; old < from + words; old = old + 2) {
    if (word(old) === 0) continue;
    let slot = (word(old + 1) << 1) & ring;
    while (word(to + slot) !== 0) slot = (slot + 2) & ring;
    setWord(to + slot, word(old));
    setWord(to + slot + 1, word(old + 1));
  }
  return words;
}

// --- names by a key -----------------------------------------------------------------------------------------------

/** NAME of the end of another, from an offset on. All ends of a name are hashed in one pass. */
export function internEnd(whole: number, from: number): number {
  const names = word(NAME.count);
  const text = word(word(NAME.at) + whole) + from;
  const name = findOrAdd(text, word(word(NAME.size) + whole) - from, hashOfEnd(whole, from));
  if (word(NAME.count) !== names) setWord(word(NAME.whole) + name, whole);
  return name;
}

function hashOfEnd(whole: number, from: number): number {
  if (word(word(NAME.hashes) + whole) === 0) {
    const hashes = alloc(word(word(NAME.size) + whole) << 2) >> 2;
    setWord(word(NAME.hashes) + whole, hashes);
    if (word(HEADER.namesKeyed) === 0) hashEnds(whole, hashes);
    else hashEndsByKey(whole, hashes);
  }
  return word(word(word(NAME.hashes) + whole) + from);
}

function hashEnds(whole: number, hashes: number): number {
  const text = word(word(NAME.at) + whole);
  let hash = 0;
  let power = 1;
  for (let at = word(word(NAME.size) + whole) - 1; at >= 0; at = at - 1) {
    hash = (Math.imul(byte(text + at), power) + hash) | 0;
    power = Math.imul(power, HASH_BASE);
    setWord(hashes + at, hash ^ (hash >>> 15));
  }
  return hashes;
}

function hashEndsByKey(whole: number, hashes: number): number {
  const text = word(word(NAME.at) + whole);
  const key = textKey();
  let sum = 0;
  for (let at = word(word(NAME.size) + whole) - 1; at >= 0; at = at - 1) {
    sum = before(byte(text + at), sum, key);
    setWord(hashes + at, scattered(sum));
  }
  return hashes;
}

/** Names collide: from now on they are hashed by a key, and those that there are enter the table again. */
function hashByKey(): number {
  const slots = word(HEADER.nameSlots) >> 2;
  const ring = word(HEADER.nameMask) << 1;
  const names = word(NAME.count);
  setWord(HEADER.namesKeyed, 1);
  fill(slots << 2, 0, (ring + 2) << 2);
  fill(word(NAME.hashes) << 2, 0, names << 2);
  for (let name = 1; name < names; name = name + 1) {
    const hash = keyedName(name);
    let slot = (hash << 1) & ring;
    while (word(slots + slot) !== 0) slot = (slot + 2) & ring;
    setWord(slots + slot, name);
    setWord(slots + slot + 1, hash);
  }
  return names;
}

function keyedName(name: number): number {
  const at = word(word(NAME.at) + name);
  const whole = word(word(NAME.whole) + name);
  if (whole === 0) return keyedText(at, word(word(NAME.size) + name));
  return hashOfEnd(whole, at - word(word(NAME.at) + whole));
}
