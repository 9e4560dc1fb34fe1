/**
 * `.BTF` bytes to types.
 *
 * Parsing finds the types, then checks all of them (`validateTypes`): what comes out can be used without
 * further checks. Accepts both byte orders, the header with a layout section, and the wide info word.
 *
 * Differs from libbpf: names must be terminated, kinds must fit where they are used, and types may not
 * contain themselves. libbpf leaves that to the kernel, or crashes.
 *
 * `?? 0` after an index: a kind outside of the table is not known, and the info word of a type that is cut
 * off is 0.
 */

import type { ByteOrder } from '../../bytes/index.ts';
import { inputError, within } from '../../diag/index.ts';
import {
  type Btf,
  COMMON_WORDS,
  findStarts,
  INFO,
  isKnownKind,
  kindOfInfo,
  RawBtf,
  validateTypes,
  vlenOfInfo,
} from '../model/index.ts';
import { parseHeader } from './header.ts';
import { wordsFromBytes, wordsInBytes } from './word-bytes.ts';

/** Types of a `.BTF` section (or of a file of types). Throws with places that start with `section ".BTF"`. */
export function parseBtf(bytes: Uint8Array, order: ByteOrder): Btf {
  return within('section ".BTF"', () => {
    const { typeStart, typeEnd, stringStart, stringEnd } = parseHeader(bytes, order);
    const words = wordsFromBytes(bytes.subarray(typeStart, typeEnd), order);
    // A copy, so that what is parsed does not depend on what the caller does with the file's bytes.
    const strings = new Uint8Array(stringEnd - stringStart);
    strings.set(bytes.subarray(stringStart, stringEnd));
    requireStrings(strings, stringStart, stringEnd);
    const btf = new RawBtf(words, findTypes(words, typeStart), strings);
    validateTypes(btf);
    return btf;
  });
}

/**
 * Types from the running kernel, which generated or checked them: the rules are not checked again (which
 * takes most of the time for the hundred thousand types of a kernel). Continues using `bytes`.
 */
export function parseKernelBtf(bytes: Uint8Array, order: ByteOrder): RawBtf {
  return within('section ".BTF"', () => {
    const { typeStart, typeEnd, stringStart, stringEnd } = parseHeader(bytes, order);
    const words = wordsInBytes(bytes.subarray(typeStart, typeEnd), order);
    const strings = bytes.subarray(stringStart, stringEnd);
    requireStrings(strings, stringStart, stringEnd);
    return new RawBtf(words, findTypes(words, typeStart), strings);
  });
}

function requireStrings(strings: Uint8Array, start: number, end: number): void {
  if (strings.length === 0 || strings[0] !== 0) {
    throw inputError('btf-strings', [], 'string section does not start with the empty string', {
      offset: start,
    });
  }
  if (strings[strings.length - 1] !== 0) {
    throw inputError('btf-strings', [], 'last string has no terminating NUL', { offset: end });
  }
}

function findTypes(words: Uint32Array, byteOffset: number): Uint32Array {
  const start = new Uint32Array(Math.floor(words.length / COMMON_WORDS) + 3);
  const id = findStarts(words, start);
  const end = start[id] ?? 0;
  if (end < words.length) throw wrongType(words, end, id, byteOffset);
  if (end > words.length) throw wrongType(words, start[id - 1] ?? 0, id - 1, byteOffset);
  return start.slice(0, id + 1);
}

function wrongType(words: Uint32Array, at: number, id: number, byteOffset: number) {
  const offset = byteOffset + at * 4;
  const place = [`type ${id}`];
  if (at + INFO >= words.length) {
    return inputError('btf-truncated', place, 'type section ends inside the type', { offset });
  }
  const info = words[at + INFO] ?? 0;
  const kind = kindOfInfo(info);
  if (!isKnownKind(kind)) return inputError('btf-kind', place, `kind ${kind} is not known`, { offset });
  const message = `${vlenOfInfo(info)} elements do not fit in the type section`;
  return inputError('btf-truncated', place, message, { offset });
}
