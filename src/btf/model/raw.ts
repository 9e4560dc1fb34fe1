/**
 * `Btf` over the words of a type section: the form in which BTF is parsed, merged and encoded.
 *
 * Decoding a hundred thousand kernel types into objects costs more than everything else done with them, so
 * types stay words, are decoded on demand, and are kept after that. Passes that look at every type read
 * `words` and `start` directly.
 *
 * `?? 0` after an index satisfies the compiler and never applies: `parseBtf` has checked that every type is
 * inside its section, and tables by id have a place for every id. What a call for each word costs:
 * `src/bytes/at.ts`.
 */

import { cString, decodeText, elementAt, noElement } from '../../bytes/index.ts';
import { inputError } from '../../diag/index.ts';
import type { Image } from '../../image/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import { decodeMember, decodeType, LINKAGES } from './decode.ts';
import type { Btf, BtfId, BtfLinkage, BtfMember, BtfType } from './types.ts';
import {
  COMMON_WORDS,
  elementWords,
  firstReference,
  INFO,
  kindFlagOfInfo,
  kindOfInfo,
  referenceCount,
  referenceStride,
  SIZE_OR_TYPE,
  vlenOfInfo,
} from './words.ts';

/** Where types are in an image, and memory there for searches. */
export interface TypePlace {
  readonly image: Image;
  /** Has their words and strings, but no rows of TYPE. */
  readonly unit: number;
  /** Word index of where each type starts, as in `start`. */
  readonly starts: number;
  /** Word index of a word for each id, which searches use. */
  readonly marks: number;
  /** Address of `SEARCH_BYTES` bytes. */
  readonly scratch: number;
}

export class RawBtf implements Btf {
  /**
   * All types in host numbers, in id order. Do not write into it.
   * @internal
   */
  readonly words: Uint32Array;
  /**
   * `start[id]` is the first word of type `id`, `start[count + 1]` the end of the last; `start[0]` is unused.
   */
  readonly start: Uint32Array;
  /** NUL-terminated strings; name words are offsets into it. Do not write into it. */
  readonly strings: Uint8Array;
  readonly count: number;
  /**
   * The image whose memory the parts are in, which does not grow any more; undefined for parts of their own.
   * @internal
   */
  readonly place: TypePlace | undefined;
  readonly #types: (BtfType | undefined)[] = [];
  /**
   * All strings as one text whose offsets are those of the bytes; null when they are not ASCII, undefined at
   * first.
   */
  #text: string | null | undefined;
  /** How many strings were asked for before there was a text. */
  #asked = 0;

  /** The parts must belong together and be valid; `parseBtf` and the builders see to that. */
  constructor(words: Uint32Array, start: Uint32Array, strings: Uint8Array, place?: TypePlace) {
    this.place = place;
    this.words = words;
    this.start = start;
    this.strings = strings;
    this.count = start.length - 2;
  }

  type(id: BtfId): BtfType {
    const known = this.#types[id];
    if (known !== undefined) return known;
    if (!(Number.isInteger(id) && id >= 1 && id <= this.count)) {
      throw inputError('btf-type-id', [], `there is no type ${id}; ids run from 1 to ${this.count}`);
    }
    const type = decodeType(this, id);
    this.#types[id] = type;
    return type;
  }

  kindOf(id: BtfId): number {
    return id === 0 ? 0 : kindOfInfo(this.info(id));
  }

  nameOf(id: BtfId): string {
    return id === 0 ? '' : this.string(this.words[this.start[id] ?? 0] ?? 0);
  }

  vlenOf(id: BtfId): number {
    return id === 0 ? 0 : vlenOfInfo(this.info(id));
  }

  kindFlagOf(id: BtfId): boolean {
    return id !== 0 && kindFlagOfInfo(this.info(id));
  }

  /** Info word of type `id` (1 to `count`). */
  info(id: BtfId): number {
    return this.words[(this.start[id] ?? 0) + INFO] ?? 0;
  }

  /** The type that a FUNC, VAR, pointer, typedef or modifier names. */
  targetOf(id: BtfId): BtfId {
    return elementAt(this.words, elementAt(this.start, id) + SIZE_OR_TYPE);
  }

  /** Member `index` of a struct or union, without decoding the others; undefined for other types and indexes. */
  memberOf(id: BtfId, index: number): BtfMember | undefined {
    return id === 0 ? undefined : decodeMember(this, id, index);
  }

  /** Linkage of a function or variable, undefined for other types. */
  linkageOf(id: BtfId): BtfLinkage | undefined {
    switch (this.kindOf(id)) {
      case BTF_KIND.FUNC:
        return LINKAGES[this.vlenOf(id)];
      case BTF_KIND.VAR:
        return LINKAGES[this.words[(this.start[id] ?? 0) + COMMON_WORDS] ?? 0];
      default:
        return undefined;
    }
  }

  /**
   * The string at `offset`. Pieces of one text are made several times faster than texts of their own, but a few
   * names of a kernel are not worth the text of all its strings.
   */
  string(offset: number): string {
    if (offset === 0) return '';
    if (this.#text === undefined && this.#asked++ < this.strings.length >> FEW_STRINGS)
      return cString(this.strings, offset, 'name');
    const text = this.text();
    const end = text === null ? -1 : text.indexOf('\0', offset);
    if (text === null || end < 0) return cString(this.strings, offset, 'name');
    return text.slice(offset, end);
  }

  /** All strings as one text in which they have the same offsets; null when they are not ASCII. */
  text(): string | null {
    if (this.#text === undefined) this.#text = textOf(this.strings);
    return this.#text;
  }
}

/** Bits by which the bytes of all strings are more than the strings that are made one by one: 600 of a kernel's. */
const FEW_STRINGS = 12;

/** Null unless each byte is one character: offsets would not be the same. */
function textOf(strings: Uint8Array): string | null {
  const text = decodeText(strings);
  return text.length === strings.length ? text : null;
}

/**
 * Calls `callback` with every type id that type `id` holds, in order, void (0) included; nothing is decoded.
 */
export function forEachReference(btf: RawBtf, id: BtfId, callback: (target: BtfId) => void): void {
  if (id === 0) return;
  const info = btf.info(id);
  const kind = kindOfInfo(info);
  const stride = referenceStride(kind);
  let at = (btf.start[id] ?? 0) + firstReference(kind);
  for (let left = referenceCount(kind, vlenOfInfo(info)); left > 0; left--, at += stride) {
    callback(btf.words[at] ?? 0);
  }
}

/** Calls `callback` with every entry of DATASEC `id`, in order; nothing is decoded. */
export function forEachVariable(
  btf: RawBtf,
  id: BtfId,
  callback: (variable: BtfId, offset: number, size: number) => void,
): void {
  const { words } = btf;
  let at = (btf.start[id] ?? 0) + COMMON_WORDS;
  for (let left = btf.vlenOf(id); left > 0; left--, at += elementWords(BTF_KIND.DATASEC)) {
    callback(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0);
  }
}

/** Ids of all types of some kinds, in order; nothing is decoded. */
export function idsOfKinds(btf: RawBtf, kinds: readonly number[]): readonly BtfId[] {
  const { words, start, count } = btf;
  const wanted = kinds.reduce((bits, kind) => bits | (1 << kind), 0);
  const found: BtfId[] = [];
  for (let id = 1; id <= count; id++) {
    const info = (start[id] ?? noElement(start, id)) + INFO;
    const kind = kindOfInfo(words[info] ?? noElement(words, info));
    if (((wanted >>> kind) & 1) === 1) found.push(id);
  }
  return found;
}
