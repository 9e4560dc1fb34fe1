/**
 * Types to `.BTF` bytes: header of 24 bytes, types, strings. Strings are interned in the order of their first use and
 * unused ones are gone, so equal types give equal bytes.
 */

import { type ByteOrder, ByteWriter } from '../bytes/index.ts';
import { BTF_HEADER_SIZE, BTF_MAGIC, BTF_VERSION } from './header.ts';
import { StringPool } from './string-pool.ts';
import { toRaw } from './to-raw.ts';
import { StringMapper } from './type-writer.ts';
import type { Btf } from './types.ts';
import { wordsToBytes } from './word-bytes.ts';
import { elementWords, firstElementName, INFO, kindOfInfo, vlenOfInfo } from './words.ts';

export function encodeBtf(btf: Btf, order: ByteOrder): Uint8Array {
  const raw = toRaw(btf);
  const strings = new StringPool(raw.strings.length);
  const words = wordsWithStrings(raw, strings);
  return joinBtf(words, strings, order);
}

/** The words of `btf` with names in `strings`. */
export function wordsWithStrings(btf: Btf, strings: StringPool): Uint32Array {
  const raw = toRaw(btf);
  const words = raw.words.slice();
  const mapper = new StringMapper(strings, raw.strings);
  for (let id = 1; id <= raw.count; id++) {
    const at = raw.start[id] ?? 0;
    words[at] = mapper.map(words[at] ?? 0);
    const info = words[at + INFO] ?? 0;
    const kind = kindOfInfo(info);
    const first = firstElementName(kind);
    if (first === 0) continue;
    const stride = elementWords(kind);
    let name = at + first;
    for (let left = vlenOfInfo(info); left > 0; left--, name += stride) {
      words[name] = mapper.map(words[name] ?? 0);
    }
  }
  return words;
}

/** Header, types and strings. */
export function joinBtf(words: Uint32Array, strings: StringPool, order: ByteOrder): Uint8Array {
  const types = wordsToBytes(words, order);
  const table = strings.finish();
  const writer = new ByteWriter(order, BTF_HEADER_SIZE + types.length + table.length);
  writer.u16(BTF_MAGIC);
  writer.u8(BTF_VERSION);
  writer.u8(0);
  writer.u32(BTF_HEADER_SIZE);
  writer.u32(0);
  writer.u32(types.length);
  writer.u32(types.length);
  writer.u32(table.length);
  writer.bytes(types);
  writer.bytes(table);
  return writer.finish();
}
