/**
 * `Btf` over the words of a type section: the form in which BTF is parsed, merged and encoded.
 *
 * Decoding a hundred thousand kernel types into objects costs more than everything else done with them, so types
 * stay words, are decoded when somebody asks, and are kept after that. Passes that look at every type read `words`
 * and `start` directly.
 */

import { cString } from '../bytes/index.ts';
import { inputError } from '../diag/index.ts';
import { decodeType } from './decode.ts';
import type { Btf, BtfId, BtfType } from './types.ts';
import {
  firstReference,
  INFO,
  kindFlagOfInfo,
  kindOfInfo,
  referenceCount,
  referenceStride,
  vlenOfInfo,
} from './words.ts';

export class RawBtf implements Btf {
  /** All types in host numbers, in id order. Do not write into it. */
  readonly words: Uint32Array;
  /** `start[id]` is the first word of type `id`, `start[count + 1]` the end of the last; `start[0]` is unused. */
  readonly start: Uint32Array;
  /** NUL-terminated strings; name words are offsets into it. Do not write into it. */
  readonly strings: Uint8Array;
  readonly count: number;
  readonly #types: (BtfType | undefined)[] = [];
  readonly #names = new Map<number, string>();

  /** The parts must belong together and be valid; `parseBtf` and the builders see to that. */
  constructor(words: Uint32Array, start: Uint32Array, strings: Uint8Array) {
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

  /** The string at `offset`, kept for the next time. */
  string(offset: number): string {
    if (offset === 0) return '';
    const known = this.#names.get(offset);
    if (known !== undefined) return known;
    const text = cString(this.strings, offset, 'name');
    this.#names.set(offset, text);
    return text;
  }
}

/** Calls `callback` with every type id that type `id` holds, in order, void (0) included; nothing is decoded. */
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
