/**
 * First half of deduplication: which types could be equal, judged by their own fields and by types a few
 * steps away. `refine` then separates those that differ further away.
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
 *
 * `?? 0` after an index satisfies the compiler and never applies: `parseBtf` has checked that every type is
 * inside its section, and tables by id have a place for every id. What a call for each word costs:
 * `src/bytes/at.ts`.
 */

import { BTF_KIND } from '../../uapi/index.ts';
import {
  type BtfId,
  firstReference,
  INFO,
  kindFlagOfInfo,
  kindOfInfo,
  type RawBtf,
  referenceCount,
  referenceStride,
  vlenOfInfo,
} from '../model/index.ts';

/** How far the first guess looks along references; what it misses costs `refine` time, never correctness. */
const LOOK_AHEAD = 2;

/** A 64-bit hash per type, in two halves. */
export interface Hashes {
  readonly low: Int32Array<ArrayBuffer>;
  readonly high: Int32Array<ArrayBuffer>;
}

export function newHashes(btf: RawBtf): Hashes {
  return { low: new Int32Array(btf.count + 1), high: new Int32Array(btf.count + 1) };
}

export function mixLow(value: number, position: number): number {
  let hash = Math.imul(value ^ Math.imul(position + 1, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

export function mixHigh(value: number, position: number): number {
  let hash = Math.imul(value + Math.imul(position + 1, 0x7feb352d), 0x846ca68b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 14);
}

/** A declaration of a name that a full definition elsewhere may complete. */
export function isEnumForward(btf: RawBtf, id: BtfId): boolean {
  const info = btf.info(id);
  const kind = kindOfInfo(info);
  if (kind !== BTF_KIND.ENUM && kind !== BTF_KIND.ENUM64) return false;
  return vlenOfInfo(info) === 0 && (btf.words[btf.start[id] ?? 0] ?? 0) !== 0;
}

/**
 * Hash of each type: equal for types that are equal, and nearly always different for others. `tagSets` lists
 * the declaration tags of a type, `seed` changes the hash after a collision.
 */
export function identityHashes(btf: RawBtf, tagSets: Uint32Array, seed: number): Hashes {
  const own = newHashes(btf);
  for (let id = 1; id <= btf.count; id++) hashOwnWords(btf, id, tagSets[id] ?? 0, seed, own);
  let seen = hashesSeenFromOutside(btf, own, seed);
  const deep = newHashes(btf);
  for (let round = 0; round < LOOK_AHEAD; round++) {
    const next = { low: seen.low.slice(), high: seen.high.slice() };
    for (let id = 1; id <= btf.count; id++) {
      if (!isKnownByName(btf, id)) hashReferences(btf, id, own, seen, next);
    }
    seen = next;
  }
  for (let id = 1; id <= btf.count; id++) hashReferences(btf, id, own, seen, deep);
  return deep;
}

/** The type's own fields: all words except references. */
function hashOwnWords(btf: RawBtf, id: BtfId, tagSet: number, seed: number, into: Hashes): void {
  const { words } = btf;
  const begin = btf.start[id] ?? 0;
  const end = btf.start[id + 1] ?? begin;
  const info = words[begin + INFO] ?? 0;
  const kind = kindOfInfo(info);
  const stride = referenceStride(kind);
  let references = referenceCount(kind, vlenOfInfo(info));
  let reference = references > 0 ? begin + firstReference(kind) : end;
  let low = mixLow(tagSet, seed);
  let high = mixHigh(tagSet, seed);
  for (let at = begin; at < end; at++) {
    if (at === reference) {
      reference = --references > 0 ? reference + stride : end;
      continue;
    }
    const word = words[at] ?? 0;
    low = Math.imul(low ^ word, 0x01000193) ^ (low >>> 15);
    high = Math.imul(high + word, 0x5bd1e995) ^ (high >>> 13);
  }
  into.low[id] = low;
  into.high[id] = high;
}

/**
 * Named structs, unions, enums and forward declarations look the same from outside when name and keyword
 * agree.
 */
function isKnownByName(btf: RawBtf, id: BtfId): boolean {
  switch (btf.kindOf(id)) {
    case BTF_KIND.STRUCT:
    case BTF_KIND.UNION:
    case BTF_KIND.ENUM:
    case BTF_KIND.ENUM64:
    case BTF_KIND.FWD:
      return (btf.words[btf.start[id] ?? 0] ?? 0) !== 0;
    default:
      return false;
  }
}

/** What a reference to the type is hashed as before looking further. */
function hashesSeenFromOutside(btf: RawBtf, own: Hashes, seed: number): Hashes {
  const seen = { low: own.low.slice(), high: own.high.slice() };
  for (let id = 1; id <= btf.count; id++) {
    if (!isKnownByName(btf, id)) continue;
    const name = btf.words[btf.start[id] ?? 0] ?? 0;
    const keyword = tagKeyword(btf, id) + seed;
    seen.low[id] = mixLow(name, keyword);
    seen.high[id] = mixHigh(name, keyword);
  }
  return seen;
}

/** The C keyword before the tag: 1 struct, 2 union, 3 enum. */
function tagKeyword(btf: RawBtf, id: BtfId): number {
  const info = btf.info(id);
  switch (kindOfInfo(info)) {
    case BTF_KIND.STRUCT:
      return 1;
    case BTF_KIND.UNION:
      return 2;
    case BTF_KIND.FWD:
      return kindFlagOfInfo(info) ? 2 : 1;
    default:
      return 3;
  }
}

/** Own hash and the hashes of all references, each with its position. */
function hashReferences(btf: RawBtf, id: BtfId, own: Hashes, seen: Hashes, into: Hashes): void {
  const { words } = btf;
  const info = btf.info(id);
  const kind = kindOfInfo(info);
  const stride = referenceStride(kind);
  const count = referenceCount(kind, vlenOfInfo(info));
  let at = (btf.start[id] ?? 0) + firstReference(kind);
  let low = own.low[id] ?? 0;
  let high = own.high[id] ?? 0;
  for (let i = 0; i < count; i++, at += stride) {
    const target = words[at] ?? 0;
    low = (low + mixLow(seen.low[target] ?? 0, i)) | 0;
    high = (high + mixHigh(seen.high[target] ?? 0, i)) | 0;
  }
  into.low[id] = low;
  into.high[id] = high;
}

// --- declaration tags ---------------------------------------------------------------------------------------------

/**
 * For each type the number of its set of declaration tags, 0 for none. Equal sets have equal numbers;
 * functions and variables are left out, being equal to nothing anyway.
 */
export function numberTagSets(btf: RawBtf): Uint32Array {
  const tagsOf = new Map<BtfId, Set<string>>();
  for (let id = 1; id <= btf.count; id++) {
    if (btf.kindOf(id) !== BTF_KIND.DECL_TAG) continue;
    const at = btf.start[id] ?? 0;
    const target = btf.words[at + 2] ?? 0;
    if (isNeverMerged(btf, target)) continue;
    const tag = `${btf.words[at]},${btf.words[at + INFO]},${btf.words[at + 3]}`;
    const known = tagsOf.get(target);
    if (known === undefined) tagsOf.set(target, new Set([tag]));
    else known.add(tag);
  }
  const numbers = new Map<string, number>();
  const result = new Uint32Array(btf.count + 1);
  for (const [target, tags] of tagsOf) {
    const key = [...tags].sort().join(';');
    const number = numbers.get(key) ?? numbers.size + 1;
    numbers.set(key, number);
    result[target] = number;
  }
  return result;
}

/** Functions, variables and data sections stay what they are even when another looks the same. */
export function isNeverMerged(btf: RawBtf, id: BtfId): boolean {
  switch (btf.kindOf(id)) {
    case BTF_KIND.FUNC:
    case BTF_KIND.VAR:
    case BTF_KIND.DATASEC:
      return true;
    default:
      return false;
  }
}
