/**
 * Second half of deduplication: blocks of types that may be equal are split until the types of a block refer
 * to the same blocks at the same places. The final blocks are equal as far as references go, cycles included
 * (the coarsest stable partition; libbpf proves the same pair by pair with hypothetical maps).
 *
 * Cost: O(references × log types) for every input. When a block is split its largest part keeps the number,
 * so a type gets a new number at most log2(types) times, and each time its referrers' signatures change by
 * one term. There are no pairs to compare and no depth limits.
 */

import { TYPE } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { alloc } from '../../image/tables.kernel.ts';
import { aliasOf, isMember } from './forwards.kernel.ts';
import { mixHigh, mixLow } from './hash.kernel.ts';
import { referenceShape, referencesOf } from './shape.kernel.ts';
import { addColumn, WORK } from './work.kernel.ts';

/** A record of numbers and columns. It begins with the first words of WORK, for `addColumn`. */
const PART = {
  first: WORK.first,
  end: WORK.end,
  /** By row: its block, 0 for void and what has none; its place among the members; its signature, in two halves. */
  blockOf: 2,
  place: 3,
  low: 4,
  high: 5,
  /** By row: index of the first reference to it in `source` and `position`; those of the next row follow. */
  incoming: 6,
  /** Rows of members, block after block; the marked ones first in each. */
  members: 7,
  /** By block: first member and the one after the last, as places; how many are marked. */
  begin: 8,
  stop: 9,
  marked: 10,
  /** By block: forward declaration that represents its structs as long as they stay together; 0: none. */
  forward: 11,
  /** Rows that changed their block, and the block before. */
  moved: 12,
  movedFrom: 13,
  /** Blocks with marked members. */
  dirty: 14,
  /** Of one split: rows, their groups; by group its signature, its number of rows, its slot. */
  list: 15,
  groupOf: 16,
  groupLow: 17,
  groupHigh: 18,
  groupSize: 19,
  groupSlot: 20,
  slots: 21,
  mask: 22,
  /** References, by row that they refer to: row that has it, which of its references it is. */
  source: 23,
  position: 24,
  blocks: 25,
  movedCount: 26,
  dirtyCount: 27,
  groups: 28,
  words: 32,
} as const;

/**
 * Splits the groups of TYPE.same until the types of each are equal as far as references go, and sets it to the
 * first of each. Forward declarations leave structs that turn out to differ.
 */
export function refine(work: number): number {
  const part = beginPartition(work);
  assignBlocks(work, part);
  placeForwards(work, part);
  findIncoming(work, part);
  signAll(work, part);
  while (word(part + PART.dirtyCount) > 0) {
    const count = word(part + PART.dirtyCount);
    setWord(part + PART.dirtyCount, 0);
    for (let i = 0; i < count; i = i + 1) split(part, word(word(part + PART.dirty) + i));
    propagate(part);
  }
  return representBlocks(work, part);
}

function beginPartition(work: number): number {
  const part = alloc(PART.words << 2) >> 2;
  const rows = word(work + WORK.end) - word(work + WORK.first) + 2;
  setWord(part + PART.first, word(work + WORK.first));
  setWord(part + PART.end, word(work + WORK.end));
  for (let field = PART.blockOf; field <= PART.incoming; field = field + 1) addColumn(part, field);
  for (let field = PART.members; field <= PART.groupSlot; field = field + 1) {
    setWord(part + field, alloc(rows << 2) >> 2);
  }
  setWord(part + PART.slots, word(work + WORK.slots));
  setWord(part + PART.mask, word(work + WORK.mask));
  for (let slot = 0; slot <= word(part + PART.mask); slot = slot + 1)
    setWord(word(part + PART.slots) + slot, 0);
  setWord(part + PART.blocks, 1);
  return part;
}

/** A new block. */
function addBlock(part: number): number {
  const block = word(part + PART.blocks);
  setWord(part + PART.blocks, block + 1);
  return block;
}

/** Blocks of what TYPE.same has in one group; counting sort of the members by block. */
function assignBlocks(work: number, part: number): number {
  const blockOf = word(part + PART.blockOf);
  const stop = word(part + PART.stop);
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1) {
    if (isMember(work, row) === 0) continue;
    const first = word(word(TYPE.same) + row);
    setWord(blockOf + row, first === row ? addBlock(part) : word(blockOf + first));
    const size = stop + word(blockOf + row);
    setWord(size, word(size) + 1);
  }
  let at = 0;
  for (let block = 1; block < word(part + PART.blocks); block = block + 1) {
    const size = word(stop + block);
    setWord(word(part + PART.begin) + block, at);
    setWord(stop + block, at);
    at = at + size;
  }
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1) {
    const block = word(blockOf + row);
    if (block === 0) continue;
    const place = word(stop + block);
    setWord(word(part + PART.members) + place, row);
    setWord(word(part + PART.place) + row, place);
    setWord(stop + block, place + 1);
  }
  return at;
}

/** What is not a member has a block of its own; a forward declaration that of the structs of its name. */
function placeForwards(work: number, part: number): number {
  const blockOf = word(part + PART.blockOf);
  const first = word(work + WORK.first);
  for (let row = first + 1; row < word(work + WORK.end); row = row + 1) {
    if (word(blockOf + row) !== 0 || aliasOf(work, row) !== row) continue;
    const struct = word(word(TYPE.same) + row);
    const block = struct === row ? addBlock(part) : word(blockOf + struct);
    setWord(blockOf + row, block);
    if (struct !== row) setWord(word(part + PART.forward) + block, row);
  }
  return 1;
}

/** Members of a block alone, or not in a block with others, can never be split. */
function isShared(part: number, row: number): number {
  const block = word(word(part + PART.blockOf) + row);
  return word(word(part + PART.stop) + block) - word(word(part + PART.begin) + block) > 1 ? 1 : 0;
}

// --- references backwards -----------------------------------------------------------------------------------------

function findIncoming(work: number, part: number): number {
  const own = word(TYPE.own);
  const incoming = word(part + PART.incoming);
  const end = word(work + WORK.end);
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    if (isShared(part, row) === 1) countReferences(work, word(own + row), incoming);
  }
  let total = 0;
  for (let row = word(work + WORK.first); row <= end; row = row + 1) {
    total = total + word(incoming + row);
    setWord(incoming + row, total);
  }
  setWord(part + PART.source, alloc(total << 2) >> 2);
  setWord(part + PART.position, alloc(total << 2) >> 2);
  // from the end, so that `incoming` is the first of each when all are placed
  for (let row = word(work + WORK.first); row < end; row = row + 1) {
    if (isShared(part, row) === 1) placeReferences(work, part, row, word(own + row));
  }
  return total;
}

function countReferences(work: number, at: number, counts: number): number {
  const shape = referenceShape((word(at + 1) >>> 24) & 0x7f);
  const count = referencesOf(shape, word(at + 1));
  let reference = at + (shape & 15);
  for (let i = 0; i < count; i = i + 1) {
    const place = counts + aliasOf(work, word(reference));
    setWord(place, word(place) + 1);
    reference = reference + ((shape >>> 4) & 15);
  }
  return count;
}

function placeReferences(work: number, part: number, row: number, at: number): number {
  const shape = referenceShape((word(at + 1) >>> 24) & 0x7f);
  const count = referencesOf(shape, word(at + 1));
  let reference = at + (shape & 15);
  for (let i = 0; i < count; i = i + 1) {
    const next = word(part + PART.incoming) + aliasOf(work, word(reference));
    const index = word(next) - 1;
    setWord(next, index);
    setWord(word(part + PART.source) + index, row);
    setWord(word(part + PART.position) + index, i);
    reference = reference + ((shape >>> 4) & 15);
  }
  return count;
}

// --- signatures ---------------------------------------------------------------------------------------------------

/** First signature of every member of a shared block; all of them are to be looked at. */
function signAll(work: number, part: number): number {
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1) {
    const block = word(word(part + PART.blockOf) + row);
    const last = word(word(part + PART.incoming) + row + 1);
    for (let i = word(word(part + PART.incoming) + row); i < last; i = i + 1) {
      addTerm(part, word(word(part + PART.source) + i), block, word(word(part + PART.position) + i));
    }
  }
  for (let block = 1; block < word(part + PART.blocks); block = block + 1) {
    const size = word(word(part + PART.stop) + block) - word(word(part + PART.begin) + block);
    if (size < 2) continue;
    setWord(word(part + PART.marked) + block, size);
    addDirty(part, block);
  }
  return 1;
}

function addDirty(part: number, block: number): number {
  const count = word(part + PART.dirtyCount);
  setWord(word(part + PART.dirty) + count, block);
  setWord(part + PART.dirtyCount, count + 1);
  return count;
}

function addTerm(part: number, row: number, block: number, position: number): number {
  const low = word(part + PART.low) + row;
  const high = word(part + PART.high) + row;
  setWord(low, (word(low) + mixLow(block, position)) | 0);
  setWord(high, (word(high) + mixHigh(block, position)) | 0);
  return row;
}

function removeTerm(part: number, row: number, block: number, position: number): number {
  const low = word(part + PART.low) + row;
  const high = word(part + PART.high) + row;
  setWord(low, (word(low) - mixLow(block, position)) | 0);
  setWord(high, (word(high) - mixHigh(block, position)) | 0);
  return row;
}

// --- splitting ----------------------------------------------------------------------------------------------------

/** Splits the marked members off by signature; the largest part keeps the block's number. */
function split(part: number, block: number): number {
  const begin = word(word(part + PART.begin) + block);
  const stop = word(word(part + PART.stop) + block);
  const marked = word(word(part + PART.marked) + block);
  setWord(word(part + PART.marked) + block, 0);
  const rest = stop - begin - marked;
  setWord(part + PART.groups, 0);
  // the members that are not marked have one signature: they are group 0, else the first member's is
  const members = word(part + PART.members);
  groupOf(part, word(members + (rest > 0 ? begin + marked : begin)));
  for (let i = 0; i < marked; i = i + 1) {
    const row = word(members + begin + i);
    const group = groupOf(part, row);
    setWord(word(part + PART.list) + i, row);
    setWord(word(part + PART.groupOf) + i, group);
    setWord(word(part + PART.groupSize) + group, word(word(part + PART.groupSize) + group) + 1);
  }
  setWord(word(part + PART.groupSize), word(word(part + PART.groupSize)) + rest);
  clearGroups(part);
  return word(part + PART.groups) === 1 ? 0 : separate(part, block, begin + marked, stop, marked);
}

/** Number of the group with the signature of `row`, from 0. */
function groupOf(part: number, row: number): number {
  const low = word(word(part + PART.low) + row);
  const high = word(word(part + PART.high) + row);
  const slots = word(part + PART.slots);
  const mask = word(part + PART.mask);
  let slot = (low ^ (high >>> 5)) & mask;
  let known = word(slots + slot);
  while (known !== 0) {
    if (
      word(word(part + PART.groupLow) + known) === low &&
      word(word(part + PART.groupHigh) + known) === high
    ) {
      return known - 1;
    }
    slot = (slot + 1) & mask;
    known = word(slots + slot);
  }
  const group = word(part + PART.groups) + 1;
  setWord(part + PART.groups, group);
  setWord(slots + slot, group);
  setWord(word(part + PART.groupLow) + group, low);
  setWord(word(part + PART.groupHigh) + group, high);
  setWord(word(part + PART.groupSlot) + group, slot);
  setWord(word(part + PART.groupSize) + group - 1, 0);
  return group - 1;
}

/** The table of groups is free for the next split; their sizes stay. */
function clearGroups(part: number): number {
  const groups = word(part + PART.groups);
  for (let group = 1; group <= groups; group = group + 1) {
    setWord(word(part + PART.slots) + word(word(part + PART.groupSlot) + group), 0);
  }
  return groups;
}

/**
 * Moves all groups but the largest to new blocks, and the forward declaration out: it no longer means one struct.
 * `rest` to `stop`: places of group 0 that are not in the list of `marked` rows.
 */
function separate(part: number, block: number, rest: number, stop: number, marked: number): number {
  const sizes = word(part + PART.groupSize);
  const groups = word(part + PART.groups);
  let keeper = 0;
  for (let group = 1; group < groups; group = group + 1)
    if (word(sizes + group) > word(sizes + keeper)) keeper = group;
  const listed = keeper === 0 ? marked : addRest(part, rest, stop, marked);
  // blocks of the groups, in place of their signatures
  const blocks = word(part + PART.groupLow);
  for (let group = 0; group < groups; group = group + 1) {
    if (group !== keeper) setWord(blocks + group, addGroupBlock(part, block, word(sizes + group)));
  }
  for (let i = 0; i < listed; i = i + 1) {
    const group = word(word(part + PART.groupOf) + i);
    if (group !== keeper) moveOut(part, block, word(blocks + group), word(word(part + PART.list) + i));
  }
  return releaseForward(part, block);
}

/** Appends the members of group 0 that are not marked to the list. */
function addRest(part: number, rest: number, stop: number, marked: number): number {
  let count = marked;
  for (let place = rest; place < stop; place = place + 1) {
    setWord(word(part + PART.list) + count, word(word(part + PART.members) + place));
    setWord(word(part + PART.groupOf) + count, 0);
    count = count + 1;
  }
  return count;
}

/** A block for `size` rows at the end of `block`; it is empty as yet: `stop` grows with each row. */
function addGroupBlock(part: number, block: number, size: number): number {
  const added = addBlock(part);
  const stop = word(word(part + PART.stop) + block) - size;
  setWord(word(part + PART.begin) + added, stop);
  setWord(word(part + PART.stop) + added, stop);
  setWord(word(part + PART.stop) + block, stop);
  return added;
}

/** Moves a row to the next free place of its new block. */
function moveOut(part: number, block: number, added: number, row: number): number {
  const stop = word(word(part + PART.stop) + added);
  exchange(part, word(word(part + PART.place) + row), stop);
  setWord(word(part + PART.stop) + added, stop + 1);
  record(part, row, block);
  setWord(word(part + PART.blockOf) + row, added);
  return stop;
}

function releaseForward(part: number, block: number): number {
  const forward = word(word(part + PART.forward) + block);
  if (forward === 0) return 0;
  setWord(word(part + PART.forward) + block, 0);
  record(part, forward, block);
  setWord(word(part + PART.blockOf) + forward, addBlock(part));
  return forward;
}

function exchange(part: number, a: number, b: number): number {
  const members = word(part + PART.members);
  const left = word(members + a);
  const right = word(members + b);
  setWord(members + a, right);
  setWord(members + b, left);
  setWord(word(part + PART.place) + left, b);
  setWord(word(part + PART.place) + right, a);
  return left;
}

function record(part: number, row: number, before: number): number {
  const count = word(part + PART.movedCount);
  setWord(word(part + PART.moved) + count, row);
  setWord(word(part + PART.movedFrom) + count, before);
  setWord(part + PART.movedCount, count + 1);
  return count;
}

/** Brings the signatures of referrers up to date and marks those whose block may have to be split. */
function propagate(part: number): number {
  const count = word(part + PART.movedCount);
  for (let index = 0; index < count; index = index + 1) {
    const row = word(word(part + PART.moved) + index);
    const from = word(word(part + PART.movedFrom) + index);
    const to = word(word(part + PART.blockOf) + row);
    const end = word(word(part + PART.incoming) + row + 1);
    for (let at = word(word(part + PART.incoming) + row); at < end; at = at + 1) {
      const referrer = word(word(part + PART.source) + at);
      if (isShared(part, referrer) === 0) continue;
      removeTerm(part, referrer, from, word(word(part + PART.position) + at));
      addTerm(part, referrer, to, word(word(part + PART.position) + at));
      mark(part, referrer);
    }
  }
  setWord(part + PART.movedCount, 0);
  return count;
}

function mark(part: number, row: number): number {
  const block = word(word(part + PART.blockOf) + row);
  const marked = word(word(part + PART.marked) + block);
  const boundary = word(word(part + PART.begin) + block) + marked;
  if (word(word(part + PART.place) + row) < boundary) return 0;
  if (marked === 0) addDirty(part, block);
  exchange(part, word(word(part + PART.place) + row), boundary);
  setWord(word(part + PART.marked) + block, marked + 1);
  return 1;
}

/** TYPE.same from blocks: their first row; an alias represents itself where it is alone. */
function representBlocks(work: number, part: number): number {
  const same = word(TYPE.same);
  const blockOf = word(part + PART.blockOf);
  const first = word(part + PART.list);
  for (let block = 0; block < word(part + PART.blocks); block = block + 1) setWord(first + block, 0);
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1) {
    if (isMember(work, row) === 0) continue;
    const place = first + word(blockOf + row);
    if (word(place) === 0) setWord(place, row);
    setWord(same + row, word(place));
  }
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1) {
    if (isMember(work, row) === 1) continue;
    const alias = aliasOf(work, row);
    const member = word(first + word(blockOf + alias));
    setWord(same + row, member === 0 ? alias : member);
  }
  return 1;
}
