/**
 * Types by name, for CO-RE and externs: one pass over all types of a unit for many names. The unit has words and
 * strings; the search knows where types start.
 *
 * A type has a wanted name if its own without flavour (`task_struct___old`) is that. Names are distinguished by
 * two bytes first: most types are passed over without a look at the rest.
 */

import { UNIT } from '../../image/layout.ts';
import { byte, fill, half, setWord, word } from '../../image/memory.ts';
import { KINDS } from './kinds.ts';
import { INFO } from './words.ts';

/** Words of a search. */
export const TYPE_SEARCH = {
  /** Word index of the entries, and how many there are. */
  entries: 0,
  count: 1,
  /** Word index of `HEADS` words: the first entry for each hash of two bytes, counted from 1. */
  heads: 2,
  /** Word index of what was found: pairs of a type id and the number of an entry. */
  found: 3,
  /** How many pairs there may be, and how many there are. */
  room: 4,
  size: 5,
  /** The type that the search continues with. */
  next: 6,
  /** Word index of where each type starts, counted from the first. */
  starts: 7,
  /** Words that it takes. */
  words: 8,
} as const;

/** Words of an entry: a name that is looked for. */
export const NAME_ENTRY = {
  /** Byte address of the name, which a NUL ends, and its bytes. */
  at: 0,
  size: 1,
  /** The first two bytes of types that may have the name. */
  key: 2,
  /** The next entry of the same hash, counted from 1. */
  next: 3,
  /** Words that it takes. */
  words: 4,
} as const;

export const HEADS = 2048;

const UNDERSCORE = 0x5f;
/** Characters of a separator, with those on both sides of it. */
const SEPARATOR = 5;

/**
 * Searches the types of a unit, ascending, until all have been seen or there is no room for more. 1: there are more to
 * see, from TYPE_SEARCH.next on.
 */
export function findTypes(unit: number, search: number): number {
  if (word(search + TYPE_SEARCH.next) <= 1) linkNames(search);
  setWord(search + TYPE_SEARCH.size, 0);
  const starts = word(search + TYPE_SEARCH.starts);
  const first = word(word(UNIT.words) + unit);
  const strings = word(word(UNIT.strings) + unit);
  const size = word(word(UNIT.stringSize) + unit);
  const heads = word(search + TYPE_SEARCH.heads);
  const end = word(word(UNIT.typeCount) + unit) + 1;
  for (let id = word(search + TYPE_SEARCH.next); id < end; id = id + 1) {
    const at = first + word(starts + id);
    const offset = word(at);
    if (offset === 0 || offset >>> 0 >= size >>> 0) continue;
    const head = word(heads + slotOf(half(strings + offset)));
    if (head === 0 || isWantedKind(at) === 0) continue;
    if (addFound(search, id, strings + offset, head) === 0) {
      setWord(search + TYPE_SEARCH.next, id);
      return 1;
    }
  }
  return 0;
}

/** Address of the name of a type of the kinds that are searched; 0: it has none, or is of another kind. */
export function searchedName(unit: number, starts: number, id: number): number {
  const at = word(word(UNIT.words) + unit) + word(starts + id);
  const offset = word(at);
  if (offset === 0 || offset >>> 0 >= word(word(UNIT.stringSize) + unit) >>> 0) return 0;
  return isWantedKind(at) === 1 ? word(word(UNIT.strings) + unit) + offset : 0;
}

/** Where a hash table has names that begin with these two bytes. */
function slotOf(key: number): number {
  return (key ^ (key >>> 4)) & (HEADS - 1);
}

/** Kinds that can be named in a CO-RE relocation or as a kernel symbol. */
function isWantedKind(at: number): number {
  return (KINDS.searched >>> ((word(at + INFO) >>> 24) & 0x1f)) & 1;
}

/** Puts the entries into the hash table. */
function linkNames(search: number): number {
  const heads = word(search + TYPE_SEARCH.heads);
  fill(heads << 2, 0, HEADS << 2);
  const entries = word(search + TYPE_SEARCH.entries);
  const count = word(search + TYPE_SEARCH.count);
  for (let number = 0; number < count; number = number + 1) {
    const entry = entries + Math.imul(number, NAME_ENTRY.words);
    const slot = heads + slotOf(word(entry + NAME_ENTRY.key));
    setWord(entry + NAME_ENTRY.next, word(slot));
    setWord(slot, number + 1);
  }
  return count;
}

/** Adds the type for each entry from `head` on whose name it has; 0 if there is no room. */
function addFound(search: number, id: number, text: number, head: number): number {
  const entries = word(search + TYPE_SEARCH.entries);
  const found = word(search + TYPE_SEARCH.found);
  let size = word(search + TYPE_SEARCH.size);
  let left = head;
  while (left !== 0) {
    const entry = entries + Math.imul(left - 1, NAME_ENTRY.words);
    if (isNamed(text, word(entry + NAME_ENTRY.at), word(entry + NAME_ENTRY.size)) === 1) {
      if (size >= word(search + TYPE_SEARCH.room)) return 0;
      setWord(found + (size << 1), id);
      setWord(found + (size << 1) + 1, left - 1);
      size = size + 1;
    }
    left = word(entry + NAME_ENTRY.next);
  }
  setWord(search + TYPE_SEARCH.size, size);
  return 1;
}

/** Whether a text without its flavour is a name. */
function isNamed(text: number, name: number, size: number): number {
  for (let i = 0; i < size; i = i + 1) if (byte(text + i) !== byte(name + i)) return 0;
  const after = byte(text + size);
  return (after === 0 || after === UNDERSCORE) && essentialSize(text) === size ? 1 : 0;
}

/** Bytes of a text without its flavour: up to the last three underscores that are between other characters. */
export function essentialSize(text: number): number {
  let end = text;
  while (byte(end) !== 0) end = end + 1;
  for (let at = end - SEPARATOR; at >= text; at = at - 1) {
    if (isSeparator(at) === 1) return at + 1 - text;
  }
  return end - text;
}

function isSeparator(at: number): number {
  if (byte(at) === UNDERSCORE || byte(at + 4) === UNDERSCORE) return 0;
  return byte(at + 1) === UNDERSCORE && byte(at + 2) === UNDERSCORE && byte(at + 3) === UNDERSCORE ? 1 : 0;
}
