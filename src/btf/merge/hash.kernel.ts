/**
 * First half of deduplication: which types could be equal, judged by their own words and by types a few steps
 * away. What the hash misses is found by the exact check and separated by `refine`.
 *
 * Rules of identity, as libbpf has them: integers by name, size and encoding; enums by name, size and values;
 * structs and unions by name, size and members; everything else by kind, name and what it refers to. An enum
 * without values and a forward declaration represent the type of their name. Variables and functions are
 * never equal to another.
 *
 * Differs from libbpf: declaration tags belong to the identity of what they tag, because merging would give
 * the tags of one struct to the users of another. A forward declaration represents a struct only if all
 * structs of its name are equal; libbpf lets the context decide, so that its result depends on the order of
 * files. Functions are never merged, since each subprogram needs a FUNC of its own in `.BTF.ext`.
 */

import { HEADER, TYPE } from '../../image/layout.ts';
import { byte, setWord, word } from '../../image/memory.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { KINDS } from '../model/kinds.ts';
import { hasOneReference, isNeverMerged, referenceShape, referencesOf, typeWords } from './shape.kernel.ts';
import { WORK } from './work.kernel.ts';

/** How far the hash looks along references; what it misses costs `refine` time, never correctness. */
const LOOK_AHEAD = 3;

/** Fills WORK.low and WORK.high: equal for types that are equal, nearly always different for others. */
export function hashTypes(work: number, seed: number): number {
  const own = word(TYPE.own);
  const kinds = word(HEADER.typeKinds);
  const low = mixLow(0, seed);
  const high = mixHigh(0, seed);
  const first = word(work + WORK.first);
  const end = word(work + WORK.end);
  for (let row = first; row < end; row = row + 1) {
    const kind = byte(kinds + row);
    if (kind === 0) setSeen(work, row, mixLow(row, 4));
    else hashOwnWords(work, row, word(own + row), kind, low, high);
  }
  if (word(work + WORK.tags) !== 0) addTagSets(work);
  for (let round = 0; round < LOOK_AHEAD; round = round + 1) lookFurther(work);
  for (let row = first; row < end; row = row + 1) {
    const shape = referenceShape(byte(kinds + row));
    if (shape !== 0) hashReferences(work, row, word(own + row), shape);
  }
  return work;
}

export function mixLow(value: number, position: number): number {
  const hash = Math.imul(value ^ Math.imul(position + 1, 0x9e3779b1), 0x85ebca6b);
  const mixed = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

export function mixHigh(value: number, position: number): number {
  const hash = Math.imul((value + Math.imul(position + 1, 0x7feb352d)) | 0, 0x846ca68b);
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 14);
}

/**
 * The type's own fields: all words except references. The hash begins with `seedLow` and `seedHigh`. A reference to
 * a type is hashed as its low half at first; as name and keyword of what has a tag, which is all that shows from
 * outside; as the row of a function or variable, which is equal to no other.
 */
function hashOwnWords(
  work: number,
  row: number,
  at: number,
  kind: number,
  seedLow: number,
  seedHigh: number,
): number {
  const info = word(at + 1);
  let low = Math.imul(seedLow ^ word(at), 0x01000193) ^ (seedLow >>> 15);
  let high = Math.imul((seedHigh + word(at)) | 0, 0x5bd1e995) ^ (seedHigh >>> 13);
  low = Math.imul(low ^ info, 0x01000193) ^ (low >>> 15);
  high = Math.imul((high + info) | 0, 0x5bd1e995) ^ (high >>> 13);
  setWord(word(work + WORK.low) + row, low);
  setWord(word(work + WORK.high) + row, high);
  if (((KINDS.members >> kind) & 1) !== 0) low = hashMembers(work, row, at + 2, at + typeWords(info));
  else if (hasOneReference(kind) === 0 || typeWords(info) > 3) low = hashRest(work, row, at, kind);
  let seen = low;
  if (isNeverMerged(kind) === 1) seen = mixLow(row, 4);
  else if (isKnownByName(at) === 1) seen = mixLow(word(at) ^ seedLow, tagKeyword(info));
  return setSeen(work, row, seen);
}

function setSeen(work: number, row: number, seen: number): number {
  setWord(word(work + WORK.seen) + row, seen);
  setWord(word(work + WORK.next) + row, seen);
  return seen;
}

/** Adds the size at `at`, and names and offsets of the members up to `end`. Returns the low half. */
function hashMembers(work: number, row: number, at: number, end: number): number {
  const lows = word(work + WORK.low) + row;
  const highs = word(work + WORK.high) + row;
  let low = Math.imul(word(lows) ^ word(at), 0x01000193);
  let high = Math.imul((word(highs) + word(at)) | 0, 0x5bd1e995);
  for (let member = at + 1; member < end; member = member + 3) {
    const name = word(member);
    const offset = word(member + 2);
    low = Math.imul(low ^ name ^ Math.imul(offset, 0x85ebca6b), 0x01000193) ^ (low >>> 15);
    high = Math.imul((high + name + Math.imul(offset, 0xc2b2ae35)) | 0, 0x5bd1e995) ^ (high >>> 13);
  }
  setWord(lows, low);
  setWord(highs, high);
  return low;
}

/** Adds all words after the second but references. Returns the low half. */
function hashRest(work: number, row: number, at: number, kind: number): number {
  const lows = word(work + WORK.low) + row;
  const highs = word(work + WORK.high) + row;
  const info = word(at + 1);
  const shape = referenceShape(kind);
  const end = at + typeWords(info);
  let left = referencesOf(shape, info);
  let reference = left === 0 ? end : at + (shape & 15);
  let low = word(lows);
  let high = word(highs);
  for (let i = at + 2; i < end; i = i + 1) {
    if (i === reference) {
      left = left - 1;
      reference = left === 0 ? end : reference + ((shape >>> 4) & 15);
      continue;
    }
    low = Math.imul(low ^ word(i), 0x01000193) ^ (low >>> 15);
    high = Math.imul((high + word(i)) | 0, 0x5bd1e995) ^ (high >>> 13);
  }
  setWord(lows, low);
  setWord(highs, high);
  return low;
}

/** Types with declaration tags differ from those with others. */
function addTagSets(work: number): number {
  const own = word(TYPE.own);
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1) {
    const tags = word(word(work + WORK.tags) + row);
    if (tags === 0) continue;
    const low = word(work + WORK.low) + row;
    const high = word(work + WORK.high) + row;
    setWord(low, word(low) ^ mixLow(tags, 1));
    setWord(high, word(high) ^ mixHigh(tags, 1));
    if (isKnownByName(word(own + row)) === 1) continue;
    setSeen(work, row, word(low));
  }
  return work;
}

/** Named structs, unions, enums and forward declarations look the same from outside when name and keyword agree. */
function isKnownByName(at: number): number {
  if (word(at) === 0) return 0;
  const kind = (word(at + 1) >>> 24) & 0x7f;
  if (kind === BTF_KIND.ENUM64) return 1;
  return kind >= BTF_KIND.STRUCT && kind <= BTF_KIND.FWD ? 1 : 0;
}

/** The C keyword before the tag: 1 struct, 2 union, 3 enum. */
function tagKeyword(info: number): number {
  const kind = (info >>> 24) & 0x7f;
  if (kind === BTF_KIND.STRUCT) return 1;
  if (kind === BTF_KIND.UNION) return 2;
  if (kind !== BTF_KIND.FWD) return 3;
  return info < 0 ? 2 : 1;
}

/** One step along the references of types without a tag. */
function lookFurther(work: number): number {
  const own = word(TYPE.own);
  const kinds = word(HEADER.typeKinds);
  const end = word(work + WORK.end);
  const next = word(work + WORK.next);
  const low = word(work + WORK.low);
  const seen = word(work + WORK.seen);
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    const kind = byte(kinds + row);
    const shape = referenceShape(kind);
    if (shape === 0 || isNeverMerged(kind) === 1) continue;
    const at = word(own + row);
    if (((KINDS.members >> kind) & 1) !== 0 && word(at) !== 0) continue;
    let hash = word(low + row);
    let reference = at + (shape & 15);
    for (let left = referencesOf(shape, word(at + 1)); left > 0; left = left - 1) {
      hash = Math.imul(hash ^ word(seen + word(reference)), 0x2c1b3c6d) ^ (hash >>> 15);
      reference = reference + ((shape >>> 4) & 15);
    }
    setWord(next + row, hash);
  }
  setWord(work + WORK.seen, next);
  setWord(work + WORK.next, seen);
  return work;
}

/** Adds what is seen of all references, in order, to the hash of the own words. */
function hashReferences(work: number, row: number, at: number, shape: number): number {
  const stride = (shape >>> 4) & 15;
  const seen = word(work + WORK.seen);
  let low = word(word(work + WORK.low) + row);
  let high = word(word(work + WORK.high) + row);
  let reference = at + (shape & 15);
  for (let left = referencesOf(shape, word(at + 1)); left > 0; left = left - 1) {
    const target = word(seen + word(reference));
    low = Math.imul(low ^ target, 0x2c1b3c6d) ^ (low >>> 15);
    high = Math.imul((high + target) | 0, 0x846ca68b) ^ (high >>> 13);
    reference = reference + stride;
  }
  setWord(word(work + WORK.low) + row, low);
  setWord(word(work + WORK.high) + row, high);
  return row;
}
