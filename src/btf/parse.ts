/**
 * `.BTF` bytes to types.
 *
 * Parsing finds the types, then checks all of them (`validateTypes`): what comes out can be used without further
 * checks. Accepts both byte orders, the header with a layout section, and the wide info word.
 *
 * Differs from libbpf: names must be terminated, kinds must fit where they are used, and types may not contain
 * themselves. libbpf leaves that to the kernel, or crashes.
 */

import type { ByteOrder } from '../bytes/index.ts';
import { inputError, within } from '../diag/index.ts';
import { parseHeader } from './header.ts';
import { RawBtf } from './raw.ts';
import { validateTypes } from './validate.ts';
import { wordsFromBytes } from './word-bytes.ts';
import { COMMON_WORDS, INFO, KIND_LIMIT, kindOfInfo, vlenOfInfo, wordCount } from './words.ts';

/** Types of a `.BTF` section (or of a file of types). Throws with places that start with `section ".BTF"`. */
export function parseBtf(bytes: Uint8Array, order: ByteOrder): RawBtf {
  return parse(bytes, order, true);
}

/**
 * Types that the running kernel itself hands out: it made them or has checked them, so that the rules are not checked
 * again (which takes most of the time for the hundred thousand types of a kernel).
 */
export function parseKernelBtf(bytes: Uint8Array, order: ByteOrder): RawBtf {
  return parse(bytes, order, false);
}

function parse(bytes: Uint8Array, order: ByteOrder, checked: boolean): RawBtf {
  return within('section ".BTF"', () => {
    const sections = parseHeader(bytes, order);
    const words = wordsFromBytes(bytes.subarray(sections.typeStart, sections.typeEnd), order);
    const strings = readStrings(bytes, sections.stringStart, sections.stringEnd);
    const btf = new RawBtf(words, findTypes(words, sections.typeStart), strings);
    if (checked) validateTypes(btf);
    return btf;
  });
}

/** A copy, so that what is parsed does not depend on what the caller does with the file's bytes. */
function readStrings(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const strings = new Uint8Array(end - start);
  strings.set(bytes.subarray(start, end));
  if (strings.length === 0 || strings[0] !== 0) {
    throw inputError('btf-strings', [], 'string section does not start with the empty string', {
      offset: start,
    });
  }
  if (strings[strings.length - 1] !== 0) {
    throw inputError('btf-strings', [], 'last string has no terminating NUL', { offset: end });
  }
  return strings;
}

function findTypes(words: Uint32Array, byteOffset: number): Uint32Array {
  let start = new Uint32Array(Math.max(16, words.length >>> 2));
  let at = 0;
  let id = 1;
  for (; at < words.length; id++) {
    if (id + 1 >= start.length) {
      const grown = new Uint32Array(start.length * 2);
      grown.set(start);
      start = grown;
    }
    start[id] = at;
    at = endOfType(words, at, id, byteOffset);
  }
  start[id] = at;
  return start.slice(0, id + 1);
}

function endOfType(words: Uint32Array, at: number, id: number, byteOffset: number): number {
  const info = at + COMMON_WORDS <= words.length ? (words[at + INFO] ?? 0) : -1;
  const offset = byteOffset + at * 4;
  if (info < 0)
    throw inputError('btf-truncated', [`type ${id}`], 'type section ends inside the type', { offset });
  const kind = kindOfInfo(info);
  if (kind === 0 || kind >= KIND_LIMIT) {
    throw inputError('btf-kind', [`type ${id}`], `kind ${kind} is not known`, { offset });
  }
  const end = at + wordCount(kind, vlenOfInfo(info));
  if (end <= words.length) return end;
  const message = `${vlenOfInfo(info)} elements do not fit in the type section`;
  throw inputError('btf-truncated', [`type ${id}`], message, { offset });
}
