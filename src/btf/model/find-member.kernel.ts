/**
 * The member of a name, as CO-RE looks for it: in order of declaration, anonymous structs and unions entered where they
 * are. A composite is entered once in a search, so a search is linear in the members that there are.
 */

import { UNIT } from '../../image/layout.ts';
import { byte, setWord, word } from '../../image/memory.ts';
import { KINDS } from './kinds.ts';
import { COMMON_WORDS, INFO, SIZE_OR_TYPE } from './words.ts';

/** Composites that are entered at most: more than there are steps in a path that libbpf and the kernel accept. */
export const MEMBER_DEPTH = 64;

/** Words of a search. */
export const MEMBER_SEARCH = {
  /** Number of the search. */
  number: 0,
  /** Word index of where each type starts, counted from the first. */
  starts: 1,
  /** Word index of a word for each id: the number of the search that entered it last. */
  marks: 2,
  /** The path: the index of a member for each composite that was entered. */
  path: 3,
  /** Word indexes of the composites. */
  owners: 3 + MEMBER_DEPTH,
  /** Words that it takes. */
  words: 3 + MEMBER_DEPTH + MEMBER_DEPTH,
} as const;

/** Words of a member, and the one that has its type. */
const MEMBER_WORDS = 3;
const MEMBER_TYPE = 1;

/**
 * Length of the path to the member of that name (at an address, with a NUL) in type `id`. 0: there is none; -1: members
 * before it are deeper than `limit`, which is less than MEMBER_DEPTH.
 */
export function findMember(unit: number, id: number, name: number, search: number, limit: number): number {
  setWord(search + MEMBER_SEARCH.number, word(search + MEMBER_SEARCH.number) + 1);
  const strings = word(word(UNIT.strings) + unit);
  const size = word(word(UNIT.stringSize) + unit);
  let depth = enter(unit, id, search, 0);
  while (depth > 0) {
    const member = nextMember(search, depth - 1);
    if (member === 0) {
      depth = depth - 1;
      continue;
    }
    if (depth > limit) return -1;
    const offset = word(member);
    const text = offset >>> 0 < size >>> 0 ? strings + offset : strings;
    if (byte(text) === 0) depth = enter(unit, word(member + MEMBER_TYPE), search, depth);
    else if (isSame(text, name) === 1) return depth;
  }
  return 0;
}

/** Word index of the next member at a depth; 0 after the last. */
function nextMember(search: number, depth: number): number {
  const at = word(search + MEMBER_SEARCH.owners + depth);
  const index = word(search + MEMBER_SEARCH.path + depth) + 1;
  setWord(search + MEMBER_SEARCH.path + depth, index);
  if (index >= (word(at + INFO) & 0xffffff)) return 0;
  return at + COMMON_WORDS + Math.imul(index, MEMBER_WORDS);
}

/** Enters a struct or union that was not entered before; returns the depth then. */
function enter(unit: number, id: number, search: number, depth: number): number {
  const found = compositeOf(unit, id, search);
  if (found === 0) return depth;
  const mark = word(search + MEMBER_SEARCH.marks) + found;
  if (word(mark) === word(search + MEMBER_SEARCH.number)) return depth;
  setWord(mark, word(search + MEMBER_SEARCH.number));
  setWord(search + MEMBER_SEARCH.owners + depth, placeOf(unit, found, search));
  setWord(search + MEMBER_SEARCH.path + depth, -1);
  return depth + 1;
}

/** The struct or union that a type is but for typedefs and qualifiers; 0 for another type. */
function compositeOf(unit: number, id: number, search: number): number {
  const count = word(word(UNIT.typeCount) + unit);
  let current = id;
  for (let left = count; left > 0 && current > 0 && current <= count; left = left - 1) {
    const at = placeOf(unit, current, search);
    const kind = (word(at + INFO) >>> 24) & 0x1f;
    if (((KINDS.members >>> kind) & 1) === 1) return current;
    if (((KINDS.modifiers >>> kind) & 1) === 0) return 0;
    current = word(at + SIZE_OR_TYPE);
  }
  return 0;
}

/** Word index of a type. */
function placeOf(unit: number, id: number, search: number): number {
  return word(word(UNIT.words) + unit) + word(word(search + MEMBER_SEARCH.starts) + id);
}

function isSame(a: number, b: number): number {
  let i = 0;
  while (byte(a + i) === byte(b + i)) {
    if (byte(a + i) === 0) return 1;
    i = i + 1;
  }
  return 0;
}
