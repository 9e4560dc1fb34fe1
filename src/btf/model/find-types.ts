/**
 * Searches of large type sections by name: types for CO-RE and externs, and members of types. Kernels do it, in the
 * image that the types are in or, for types of their own, in one with a copy.
 */

import { decodeText, elementAt, encodeText, valueAt } from '../../bytes/index.ts';
import { Image, UNIT } from '../../image/index.ts';
import * as tables from '../../image/tables.kernel.ts';
import * as members from './find-member.kernel.ts';
import * as types from './find-types.kernel.ts';
import type { RawBtf, TypePlace } from './raw.ts';
import type { BtfId } from './types.ts';

const { TYPE_SEARCH, NAME_ENTRY, HEADS } = types;

/** Names of one pass at most, and their bytes; of one name in an image that may not grow. */
const NAMES = 256;
const TEXT_BYTES = 1 << 14;
/** Passes after which all names are read instead, which takes as long as about so many: time stays linear. */
const PASSES = 16;
/** Pairs that are found in one call at most. */
const FOUND = 1024;

/** Word offsets in the memory for searches, and its bytes. */
const AT = {
  search: 0,
  member: TYPE_SEARCH.words,
  heads: TYPE_SEARCH.words + members.MEMBER_SEARCH.words,
  found: TYPE_SEARCH.words + members.MEMBER_SEARCH.words + HEADS,
  entries: TYPE_SEARCH.words + members.MEMBER_SEARCH.words + HEADS + 2 * FOUND,
  text: TYPE_SEARCH.words + members.MEMBER_SEARCH.words + HEADS + 2 * FOUND + 2 * NAMES * NAME_ENTRY.words,
} as const;

/** Bytes of memory that searches need. */
export const SEARCH_BYTES = AT.text * 4 + TEXT_BYTES;

/** Longest path to a member. */
const MEMBER_STEPS = members.MEMBER_DEPTH - 1;

const UNDERSCORE = 0x5f;
const NONE: readonly BtfId[] = [];

export class TypeSearch {
  readonly #btf: RawBtf;
  #place: TypePlace | undefined;
  #passes = 0;
  /** Ids by name without flavour, once there were `PASSES`. */
  #index: ReadonlyMap<string, readonly BtfId[]> | undefined;

  constructor(btf: RawBtf) {
    this.#btf = btf;
  }

  /** Ids of the types whose name without flavour is that, for each name, ascending. */
  types(names: readonly string[]): ReadonlyMap<string, readonly BtfId[]> {
    if (this.#passes >= PASSES || names.length > NAMES * PASSES) return this.#indexed(names);
    const found = new Map<string, BtfId[]>(names.map(name => [name, []]));
    let some: Wanted[] = [];
    let size = 0;
    for (const name of names) {
      const text = encodeText(name);
      if (text.length === 0 || text.includes(0)) continue; // no name in a table of strings
      if (some.length === NAMES || size + text.length >= TEXT_BYTES) {
        this.#search(some, found);
        [some, size] = [[], 0];
      }
      some.push({ name, text });
      size += text.length + 1;
    }
    if (some.length > 0) this.#search(some, found);
    return found;
  }

  /**
   * Indexes of members that lead to the member of that name, through anonymous ones. Undefined: there is none; null: it
   * takes more than `limit` of them to know, which is at most `MEMBER_STEPS`.
   */
  member(composite: BtfId, name: string, limit = MEMBER_STEPS): readonly number[] | undefined | null {
    const text = encodeText(name);
    if (text.length === 0 || text.includes(0)) return undefined;
    const { image, unit, starts, marks, scratch } = this.#placed();
    const at = this.#addText(text, scratch + AT.text * 4);
    if (at === undefined) return undefined;
    const search = (scratch >> 2) + AT.member;
    image.words.set([starts, marks], search + members.MEMBER_SEARCH.starts);
    const depth = image.run(members).findMember(unit, composite, at, search, limit);
    if (depth < 0) return null;
    const path = search + members.MEMBER_SEARCH.path;
    return depth === 0 ? undefined : [...image.words.subarray(path, path + depth)];
  }

  #indexed(names: readonly string[]): Map<string, readonly BtfId[]> {
    this.#index ??= this.#readAll();
    const index = this.#index;
    return new Map(names.map(name => [name, index.get(name) ?? NONE]));
  }

  #readAll(): Map<string, BtfId[]> {
    const { image, unit, starts } = this.#placed();
    const { searchedName, essentialSize } = image.run(types);
    const index = new Map<string, BtfId[]>();
    for (let id = 1; id <= this.#btf.count; id++) {
      const at = searchedName(unit, starts, id);
      const size = at === 0 ? 0 : essentialSize(at);
      if (size === 0) continue;
      const name = decodeText(image.bytes.subarray(at, at + size));
      const ids = index.get(name);
      if (ids === undefined) index.set(name, [id]);
      else ids.push(id);
    }
    return index;
  }

  #placed(): TypePlace {
    this.#place ??= this.#btf.place ?? placeCopy(this.#btf);
    return this.#place;
  }

  #search(wanted: readonly Wanted[], found: ReadonlyMap<string, BtfId[]>): void {
    const { image, unit, starts, scratch } = this.#placed();
    const base = scratch >> 2;
    const entries = this.#addEntries(wanted);
    this.#passes++;
    const search = base + AT.search;
    const set = (word: number, value: number): void => {
      image.words[search + word] = value;
    };
    set(TYPE_SEARCH.entries, base + AT.entries);
    set(TYPE_SEARCH.count, entries.length);
    set(TYPE_SEARCH.heads, base + AT.heads);
    set(TYPE_SEARCH.found, base + AT.found);
    set(TYPE_SEARCH.room, FOUND);
    set(TYPE_SEARCH.next, 1);
    set(TYPE_SEARCH.starts, starts);
    for (let more = 1; more === 1; ) {
      more = image.run(types).findTypes(unit, search);
      const size = elementAt(image.words, search + TYPE_SEARCH.size);
      const pairs = image.words.subarray(base + AT.found, base + AT.found + 2 * size);
      for (let n = 0; n < pairs.length; n += 2) {
        const ids = valueAt(found, elementAt(entries, elementAt(pairs, n + 1)));
        const id = elementAt(pairs, n);
        if (ids[ids.length - 1] !== id) ids.push(id); // a name of one character has two entries
      }
    }
  }

  /** Writes the names and their entries; returns the name of each entry. */
  #addEntries(wanted: readonly Wanted[]): string[] {
    const { image, scratch } = this.#placed();
    const names: string[] = [];
    const add = (name: string, at: number, size: number, key: number): void => {
      image.words.set([at, size, key], (scratch >> 2) + AT.entries + names.length * NAME_ENTRY.words);
      names.push(name);
    };
    let free = scratch + AT.text * 4;
    for (const { name, text } of wanted) {
      const at = this.#addText(text, free);
      if (at === undefined) continue;
      if (at === free) free += text.length + 1;
      const [first = 0, second = 0] = text;
      add(name, at, text.length, first | (second << 8));
      if (text.length === 1) add(name, at, text.length, first | (UNDERSCORE << 8)); // with a flavour
    }
    return names;
  }

  /** Address of a text with a NUL: `at`, or memory of its own; undefined for names that no kernel has. */
  #addText(text: Uint8Array, at: number): number | undefined {
    const { image } = this.#placed();
    if (text.length >= TEXT_BYTES) return this.#btf.place === undefined ? image.add(text) : undefined;
    image.bytes.set(text, at);
    image.bytes[at + text.length] = 0;
    return at;
  }
}

interface Wanted {
  readonly name: string;
  readonly text: Uint8Array;
}

function placeCopy(btf: RawBtf): TypePlace {
  const image = new Image();
  const unit = image.addUnit('');
  const { alloc } = image.run(tables);
  const [words, starts] = [alloc(btf.words.byteLength) >> 2, alloc(btf.start.byteLength) >> 2];
  const marks = alloc(btf.start.byteLength) >> 2;
  image.words.set(btf.words, words);
  image.words.set(btf.start, starts);
  image.set(UNIT.words, unit, words);
  image.set(UNIT.wordCount, unit, btf.words.length);
  image.set(UNIT.typeCount, unit, btf.count);
  image.set(UNIT.strings, unit, image.add(btf.strings));
  image.set(UNIT.stringSize, unit, btf.strings.length);
  return { image, unit, starts, marks, scratch: alloc(SEARCH_BYTES) };
}
