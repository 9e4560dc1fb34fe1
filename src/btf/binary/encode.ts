/**
 * Types to `.BTF` bytes. The kernel writes them in an image of its own: strings are in the order of their first
 * use and unused ones are gone, so equal types give equal bytes.
 */

import { type ByteOrder, valueAt } from '../../bytes/index.ts';
import { Image } from '../../image/index.ts';
import * as tables from '../../image/tables.kernel.ts';
import * as stringTable from '../merge/strings.kernel.ts';
import { type Btf, importTypes, toRaw } from '../model/index.ts';
import * as encode from './encode.kernel.ts';

/** The bytes of a `.BTF` section, in the given byte order. The inverse of `parseBtf`. */
export function encodeBtf(btf: Btf, order: ByteOrder): Uint8Array {
  return encodeBtfWithTexts(btf, [], order).bytes;
}

/** `.BTF` bytes, and where texts that are not names of types are in their strings. */
export interface EncodedBtf {
  readonly bytes: Uint8Array;
  /** Offset of one of the texts; another text is a bug. */
  readonly offsetOf: (text: string) => number;
}

/** The same bytes with further texts in their strings. */
export function encodeBtfWithTexts(btf: Btf, texts: Iterable<string>, order: ByteOrder): EncodedBtf {
  const image = new Image();
  try {
    const output = putTypes(image, btf);
    const { putString } = image.run(stringTable);
    const offsets = new Map(Array.from(new Set(texts), text => [text, putString(image.intern(text))]));
    return { bytes: bytesOfTypes(image, output, order), offsetOf: text => valueAt(offsets, text) };
  } finally {
    image.release();
  }
}

/** Row of TYPE_OUTPUT with the types; further strings can be put. */
export function putTypes(image: Image, btf: Btf): number {
  const raw = toRaw(btf);
  const [unit, strings] = [image.addUnit(''), image.addUnit('.BTF')];
  importTypes(image, unit, raw);
  const output = image.run(encode).beginTypes(strings, raw.strings.length, raw.words.length);
  image.run(encode).putTypes(output, unit);
  return output;
}

/** `.BTF` of a row of TYPE_OUTPUT. */
export function bytesOfTypes(image: Image, output: number, order: ByteOrder): Uint8Array {
  const size = image.run(encode).btfSize(output);
  const at = image.run(tables).alloc(size);
  image.run(encode).putBtf(at, output, order === 'little' ? 0 : 1);
  return image.bytes.slice(at, at + size);
}
