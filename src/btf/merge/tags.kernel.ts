/**
 * Declaration tags as a part of what they tag: types with equal sets of tags get equal numbers in WORK.tags.
 *
 * Sets do not depend on the order of tags, or on how often one is there. Functions and variables are left out,
 * being equal to nothing anyway.
 */

import { HEADER, TYPE } from '../../image/layout.ts';
import { byte, setWord, word } from '../../image/memory.ts';
import { alloc } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { mixLow } from './hash.kernel.ts';
import { isNeverMerged } from './shape.kernel.ts';
import { addColumn, WORK } from './work.kernel.ts';

/** A record for the tags of all types: numbers, columns, hash tables of `mask + 1` slots. */
const TAGS = {
  /** By row of what is tagged: how many tags it has, the sum of their hashes, its last pair. */
  size: 0,
  sum: 1,
  last: 2,
  /** By content, which is what a tag says: word index of the first tag that says it; the last look for it. */
  contentAt: 3,
  stamp: 4,
  /** By pair of a type and a content: these, and the pair of the type before it. */
  target: 5,
  content: 6,
  before: 7,
  /** Hash tables of contents, of pairs, of types with tags. */
  contentSlots: 8,
  pairSlots: 9,
  setSlots: 10,
  mask: 11,
  contents: 12,
  pairs: 13,
  looks: 14,
  words: 16,
} as const;

/** Fills WORK.tags. */
export function numberTagSets(work: number): number {
  const count = countTags(work);
  setWord(work + WORK.tags, 0);
  if (count === 0) return 0;
  const tags = beginTags(work, count);
  const own = word(TYPE.own);
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1) {
    if (isTag(row) === 1) addTag(tags, word(own + row));
  }
  const column = addColumn(work, WORK.tags);
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1) {
    if (word(word(tags + TAGS.last) + row) !== 0) setWord(column + row, firstWithSet(tags, row));
  }
  return count;
}

/** Whether a row is a tag on a type that can be merged. */
function isTag(row: number): number {
  const kinds = word(HEADER.typeKinds);
  if (byte(kinds + row) !== BTF_KIND.DECL_TAG) return 0;
  const target = byte(kinds + word(word(word(TYPE.own) + row) + 2));
  return target === 0 || isNeverMerged(target) === 1 ? 0 : 1;
}

function countTags(work: number): number {
  let count = 0;
  for (let row = word(work + WORK.first); row < word(work + WORK.end); row = row + 1)
    count = count + isTag(row);
  return count;
}

function beginTags(work: number, count: number): number {
  const tags = alloc(TAGS.words << 2) >> 2;
  for (let field = TAGS.size; field <= TAGS.last; field = field + 1) {
    setWord(tags + field, addColumn(work, WORK.tags));
  }
  for (let field = TAGS.contentAt; field <= TAGS.before; field = field + 1) {
    setWord(tags + field, alloc((count + 1) << 2) >> 2);
  }
  let slots = 16;
  while (slots < count << 1) slots = slots << 1;
  for (let field = TAGS.contentSlots; field <= TAGS.setSlots; field = field + 1) {
    setWord(tags + field, alloc(slots << 2) >> 2);
  }
  setWord(tags + TAGS.mask, slots - 1);
  return tags;
}

/** Adds the tag at `at` to the set of what it tags, unless it is there. */
function addTag(tags: number, at: number): number {
  const target = word(at + 2);
  const content = contentOf(tags, at);
  if (isNewPair(tags, target, content) === 0) return 0;
  const pair = word(tags + TAGS.pairs);
  setWord(word(tags + TAGS.before) + pair, word(word(tags + TAGS.last) + target));
  setWord(word(tags + TAGS.last) + target, pair);
  const sum = word(tags + TAGS.sum) + target;
  setWord(sum, (word(sum) + mixLow(content, 7)) | 0);
  const size = word(tags + TAGS.size) + target;
  setWord(size, word(size) + 1);
  return 1;
}

/** Number of what the tag at `at` says: name, kind flag, component. */
function contentOf(tags: number, at: number): number {
  const slots = word(tags + TAGS.contentSlots);
  const mask = word(tags + TAGS.mask);
  const texts = word(tags + TAGS.contentAt);
  let slot = mixLow(word(at), word(at + 3)) & mask;
  let known = word(slots + slot);
  while (known !== 0) {
    const text = word(texts + known);
    if (word(text) === word(at) && word(text + 1) === word(at + 1) && word(text + 3) === word(at + 3))
      return known;
    slot = (slot + 1) & mask;
    known = word(slots + slot);
  }
  const content = word(tags + TAGS.contents) + 1;
  setWord(tags + TAGS.contents, content);
  setWord(slots + slot, content);
  setWord(texts + content, at);
  return content;
}

/** Whether the type did not have the content; it has then. */
function isNewPair(tags: number, target: number, content: number): number {
  const slots = word(tags + TAGS.pairSlots);
  const mask = word(tags + TAGS.mask);
  let slot = mixLow(target, content) & mask;
  let pair = word(slots + slot);
  while (pair !== 0) {
    if (
      word(word(tags + TAGS.target) + pair) === target &&
      word(word(tags + TAGS.content) + pair) === content
    )
      return 0;
    slot = (slot + 1) & mask;
    pair = word(slots + slot);
  }
  pair = word(tags + TAGS.pairs) + 1;
  setWord(tags + TAGS.pairs, pair);
  setWord(slots + slot, pair);
  setWord(word(tags + TAGS.target) + pair, target);
  setWord(word(tags + TAGS.content) + pair, content);
  return 1;
}

/** The first row that has the same tags as `row`. */
function firstWithSet(tags: number, row: number): number {
  const slots = word(tags + TAGS.setSlots);
  const mask = word(tags + TAGS.mask);
  let slot = word(word(tags + TAGS.sum) + row) & mask;
  let known = word(slots + slot);
  while (known !== 0) {
    if (isSameSet(tags, row, known) === 1) return known;
    slot = (slot + 1) & mask;
    known = word(slots + slot);
  }
  setWord(slots + slot, row);
  return row;
}

function isSameSet(tags: number, row: number, other: number): number {
  const sums = word(tags + TAGS.sum);
  const sizes = word(tags + TAGS.size);
  if (word(sums + row) !== word(sums + other) || word(sizes + row) !== word(sizes + other)) return 0;
  const look = word(tags + TAGS.looks) + 1;
  setWord(tags + TAGS.looks, look);
  const contents = word(tags + TAGS.content);
  const before = word(tags + TAGS.before);
  const stamps = word(tags + TAGS.stamp);
  for (let pair = word(word(tags + TAGS.last) + other); pair !== 0; pair = word(before + pair)) {
    setWord(stamps + word(contents + pair), look);
  }
  for (let pair = word(word(tags + TAGS.last) + row); pair !== 0; pair = word(before + pair)) {
    if (word(stamps + word(contents + pair)) !== look) return 0;
  }
  return 1;
}
