/**
 * Inputs that collide in the hash tables of kernels, made from what the source shows: names,
 * types and strings whose hashes, without a key, are equal or are neighbours.
 */

import { HASH_BASE } from '../../src/image/tables.kernel.ts';

/** Letters of names; a pair of them has as many values as a number of two digits. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789_';

type Hash = (text: string) => number;

/** As `intern` hashes names. */
function hashOfName(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, HASH_BASE) + text.charCodeAt(at)) | 0;
  return hash;
}

/** As `markDuplicates` hashes strings with the NUL that ends them. */
function hashOfString(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

/** Two texts with one hash of 32 bits, by a birthday search: among 100,000 texts there is nearly always a pair. */
function pairOf(hash: Hash): readonly [string, string] {
  const known = new Map<number, string>();
  for (let number = 0; ; number += 7919) {
    const text = textOf(number, 7);
    const other = known.get(hash(text));
    if (other !== undefined && other !== text) return [other, text];
    known.set(hash(text), text);
  }
}

function textOf(number: number, length: number): string {
  let text = '';
  for (let rest = number; text.length < length; rest = Math.floor(rest / LETTERS.length))
    text += LETTERS[rest % LETTERS.length] ?? '';
  return text;
}

/** Distinct names of one length, all with the same hash. */
export function collidingNames(count: number): string[] {
  return rowsOf(pairOf(hashOfName), count);
}

/** The same for strings of mergeable sections. */
export function collidingStrings(count: number): string[] {
  return rowsOf(pairOf(hashOfString), count);
}

/** Rows of blocks: each place has either text of a pair, since a hash goes on from that of what is before. */
function rowsOf(pair: readonly [string, string], count: number): string[] {
  const blocks = Math.ceil(Math.log2(Math.max(count, 2)));
  return Array.from({ length: count }, (_, number) =>
    Array.from({ length: blocks }, (_, bit) => pair[(number >> bit) & 1]).join(''),
  );
}
