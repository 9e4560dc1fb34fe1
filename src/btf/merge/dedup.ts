/**
 * Finds out which types of one `Btf` are the same type (see `dedup-identity.ts` for the rules) and who
 * represents them: the first of them, so that the order of types is kept and a second run changes nothing.
 *
 * Hashes decide, and every decision is then checked word by word: two different types whose hashes collide,
 * by chance or on purpose, cause another run with another seed, never a wrong merge.
 *
 * `?? 0` after an index satisfies the compiler and never applies: `parseBtf` has checked that every type is
 * inside its section, and tables by id have a place for every id. What a call for each word costs:
 * `src/bytes/at.ts`.
 */

import { bugError } from '../../diag/index.ts';
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
import { type Hashes, identityHashes, isEnumForward, isNeverMerged, numberTagSets } from './identity.ts';
import { Partition } from './partition.ts';

const SEEDS = 16;
/** More than one definition has the name of a forward declaration. */
const AMBIGUOUS = -1;

/**
 * For each id the id of the type that represents it, often itself. Names must be interned: equal names have
 * equal offsets.
 */
export function findRepresentatives(btf: RawBtf): Uint32Array {
  const tagSets = numberTagSets(btf);
  for (let seed = 0; seed < SEEDS; seed++) {
    const representatives = attempt(btf, tagSets, seed);
    if (isExact(btf, tagSets, representatives)) return representatives;
  }
  throw bugError(['BTF deduplication'], `hashes collide under ${SEEDS} seeds`);
}

function attempt(btf: RawBtf, tagSets: Uint32Array, seed: number): Uint32Array {
  const hashes = identityHashes(btf, tagSets, seed);
  const alias = aliasForwards(btf, hashes);
  const isMember = (id: BtfId): boolean =>
    alias[id] === id && btf.kindOf(id) !== BTF_KIND.FWD && !isNeverMerged(btf, id);
  const partition = new Partition(btf, hashes, alias, isMember);
  for (let id = 1; id <= btf.count; id++) if (isNeverMerged(btf, id)) partition.isolate(id);
  placeForwards(btf, alias, partition);
  partition.refine();
  return firstOfBlocks(btf, alias, partition, isMember);
}

/** Name and keyword of a struct, union or forward declaration of one as one number. */
function forwardKey(btf: RawBtf, id: BtfId): number {
  const info = btf.info(id);
  const kind = kindOfInfo(info);
  const union = kind === BTF_KIND.UNION || (kind === BTF_KIND.FWD && kindFlagOfInfo(info));
  return nameOffset(btf, id) * 2 + (union ? 1 : 0);
}

function nameOffset(btf: RawBtf, id: BtfId): number {
  return btf.words[btf.start[id] ?? 0] ?? 0;
}

/** Forward declarations represent the first of their name, enums without values for the only full one. */
function aliasForwards(btf: RawBtf, hashes: Hashes): Uint32Array {
  const alias = new Uint32Array(btf.count + 1);
  const forwards = new Map<number, BtfId>();
  const enumForwards: BtfId[] = [];
  for (let id = 1; id <= btf.count; id++) {
    alias[id] = id;
    if (btf.kindOf(id) === BTF_KIND.FWD) alias[id] = firstOf(forwards, forwardKey(btf, id), id);
    else if (isEnumForward(btf, id)) enumForwards.push(id);
  }
  if (enumForwards.length > 0) aliasEnums(btf, hashes, enumForwards, alias);
  return alias;
}

function firstOf(known: Map<number, BtfId>, key: number, id: BtfId): BtfId {
  const first = known.get(key);
  if (first !== undefined) return first;
  known.set(key, id);
  return id;
}

function aliasEnums(btf: RawBtf, hashes: Hashes, enumForwards: readonly BtfId[], alias: Uint32Array): void {
  const names = new Set(enumForwards.map(id => nameOffset(btf, id)));
  const full = new Map<number, BtfId>();
  for (let id = 1; id <= btf.count; id++) {
    const kind = btf.kindOf(id);
    if ((kind !== BTF_KIND.ENUM && kind !== BTF_KIND.ENUM64) || btf.vlenOf(id) === 0) continue;
    const name = nameOffset(btf, id);
    if (!names.has(name)) continue;
    const known = full.get(name);
    if (known === undefined) full.set(name, id);
    else if (known !== AMBIGUOUS && !sameHash(hashes, known, id)) full.set(name, AMBIGUOUS);
  }
  const firsts = new Map<number, BtfId>();
  for (const id of enumForwards) {
    const definition = full.get(nameOffset(btf, id)) ?? AMBIGUOUS;
    alias[id] = definition === AMBIGUOUS ? firstOf(firsts, nameOffset(btf, id), id) : definition;
  }
}

function sameHash(hashes: Hashes, a: BtfId, b: BtfId): boolean {
  return hashes.low[a] === hashes.low[b] && hashes.high[a] === hashes.high[b];
}

/** A forward declaration joins the structs of its name if they may all be equal, otherwise it stays alone. */
function placeForwards(btf: RawBtf, alias: Uint32Array, partition: Partition): void {
  const forwards = new Map<number, BtfId>();
  for (let id = 1; id <= btf.count; id++) {
    if (btf.kindOf(id) === BTF_KIND.FWD && alias[id] === id) forwards.set(forwardKey(btf, id), id);
  }
  if (forwards.size === 0) return;
  const blocks = new Map<number, number>();
  for (let id = 1; id <= btf.count; id++) {
    const kind = btf.kindOf(id);
    if (kind !== BTF_KIND.STRUCT && kind !== BTF_KIND.UNION) continue;
    const key = forwardKey(btf, id);
    if (!forwards.has(key)) continue;
    const block = partition.blockOf[id] ?? 0;
    const known = blocks.get(key);
    if (known === undefined) blocks.set(key, block);
    else if (known !== block) blocks.set(key, AMBIGUOUS);
  }
  for (const [key, id] of forwards) {
    const block = blocks.get(key) ?? AMBIGUOUS;
    if (block === AMBIGUOUS) partition.isolate(id);
    else partition.attachForward(id, block);
  }
}

function firstOfBlocks(
  btf: RawBtf,
  alias: Uint32Array,
  partition: Partition,
  isMember: (id: BtfId) => boolean,
): Uint32Array {
  const first = new Uint32Array(btf.count + 2);
  const representatives = new Uint32Array(btf.count + 1);
  for (let id = 1; id <= btf.count; id++) {
    if (!isMember(id)) continue;
    const block = partition.blockOf[id] ?? 0;
    if (first[block] === 0) first[block] = id;
    representatives[id] = first[block] ?? id;
  }
  for (let id = 1; id <= btf.count; id++) {
    if (isMember(id)) continue;
    const standIn = alias[id] ?? id;
    const member = first[partition.blockOf[standIn] ?? 0] ?? 0;
    representatives[id] = isNeverMerged(btf, id) || member === 0 ? standIn : member;
  }
  return representatives;
}

// --- exact check --------------------------------------------------------------------------------------------------

function isExact(btf: RawBtf, tagSets: Uint32Array, representatives: Uint32Array): boolean {
  for (let id = 1; id <= btf.count; id++) {
    const other = representatives[id] ?? id;
    if (other !== id && !isSame(btf, tagSets, representatives, id, other)) return false;
  }
  return true;
}

function isSame(
  btf: RawBtf,
  tagSets: Uint32Array,
  representatives: Uint32Array,
  id: BtfId,
  other: BtfId,
): boolean {
  if (btf.kindOf(id) === BTF_KIND.FWD) return forwardKey(btf, id) === forwardKey(btf, other);
  if (isEnumForward(btf, id)) return nameOffset(btf, id) === nameOffset(btf, other);
  if (tagSets[id] !== tagSets[other]) return false;
  const { words, start } = btf;
  const left = start[id] ?? 0;
  const right = start[other] ?? 0;
  const length = (start[id + 1] ?? 0) - left;
  if (length !== (start[other + 1] ?? 0) - right) return false;
  const info = words[left + INFO] ?? 0;
  const kind = kindOfInfo(info);
  const stride = referenceStride(kind);
  let references = referenceCount(kind, vlenOfInfo(info));
  let reference = references > 0 ? firstReference(kind) : length;
  for (let i = 0; i < length; i++) {
    const a = words[left + i] ?? 0;
    const b = words[right + i] ?? 0;
    if (i !== reference) {
      if (a !== b) return false;
      continue;
    }
    if (representatives[a] !== representatives[b]) return false;
    reference = --references > 0 ? reference + stride : length;
  }
  return true;
}
