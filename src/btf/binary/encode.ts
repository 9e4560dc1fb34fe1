/**
 * Types to `.BTF` bytes: header of 24 bytes, types, strings. Strings are interned in the order of their first
 * use and unused ones are gone, so equal types give equal bytes.
 */

import { type ByteOrder, bytesOf, type Contents, noElement, viewOf } from '../../bytes/index.ts';
import { BTF_MAGIC, BTF_VERSION } from '../../uapi/index.ts';
import {
  type Btf,
  elementWords,
  firstElementName,
  INFO,
  kindOfInfo,
  StringMapper,
  StringPool,
  toRaw,
  vlenOfInfo,
} from '../model/index.ts';
import { BTF_HEADER_SIZE } from './header.ts';
import { storeWords } from './word-bytes.ts';

/** The bytes of a `.BTF` section, in the given byte order. The inverse of `parseBtf`. */
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
    const at = raw.start[id] ?? noElement(raw.start, id);
    words[at] = mapper.map(words[at] ?? noElement(words, at));
    const info = words[at + INFO] ?? noElement(words, at + INFO);
    const kind = kindOfInfo(info);
    const first = firstElementName(kind);
    if (first === 0) continue;
    const stride = elementWords(kind);
    let name = at + first;
    for (let left = vlenOfInfo(info); left > 0; left--, name += stride) {
      words[name] = mapper.map(words[name] ?? noElement(words, name));
    }
  }
  return words;
}

/** Header, types and strings. Neither may be used afterwards. */
export function btfContents(words: Uint32Array, strings: StringPool, order: ByteOrder): Contents {
  const table = strings.finish();
  return {
    length: BTF_HEADER_SIZE + words.byteLength + table.length,
    writeTo(bytes) {
      const view = viewOf(bytes);
      const little = order === 'little';
      view.setUint16(0, BTF_MAGIC, little);
      view.setUint8(2, BTF_VERSION);
      const fields = [BTF_HEADER_SIZE, 0, words.byteLength, words.byteLength, table.length];
      fields.forEach((field, index) => {
        view.setUint32(4 + 4 * index, field, little);
      });
      storeWords(words, bytes, BTF_HEADER_SIZE, order);
      bytes.set(table, BTF_HEADER_SIZE + words.byteLength);
    },
  };
}

export function joinBtf(words: Uint32Array, strings: StringPool, order: ByteOrder): Uint8Array {
  return bytesOf(btfContents(words, strings, order));
}
