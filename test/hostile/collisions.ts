/**
 * Inputs that collide in the hash tables of kernels, made as somebody would make them who reads the source: names,
 * types and strings whose hashes, without a key, are equal or are neighbours.
 */

import { HASH_BASE } from '../../src/image/tables.kernel.ts';

/** Letters of names; a pair of them has as many values as a number of two digits. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789_';

function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, HASH_BASE) + text.charCodeAt(at)) | 0;
  return hash;
}

/**
 * Two texts of one length with one hash. A birthday search: of 100,000 texts some have the same hash of 32 bits.
 * `skip`: pairs to leave out.
 */
function pairs(length: number, wanted: number): [string, string][] {
  const known = new Map<number, string>();
  const found: [string, string][] = [];
  for (let number = 0; found.length < wanted; number++) {
    const text = textOf(number * 7919, length);
    const hash = hashOf(text);
    const other = known.get(hash);
    if (other === undefined) known.set(hash, text);
    else if (other !== text) found.push([other, text]);
  }
  return found;
}

function textOf(number: number, length: number): string {
  let text = '';
  for (let rest = number; text.length < length; rest = Math.floor(rest / LETTERS.length))
    text += LETTERS[rest % LETTERS.length] ?? '';
  return text;
}

/**
 * Distinct names of one length, all with the same hash: each is a row of blocks, and either text of a pair may stand in
 * each place, since a hash goes on from the hash of what comes before.
 */
export function collidingNames(count: number): string[] {
  const blocks = Math.ceil(Math.log2(Math.max(count, 2)));
  const pair = pairs(7, 1)[0] ?? ['', ''];
  return Array.from({ length: count }, (_, number) =>
    Array.from({ length: blocks }, (_, bit) => pair[(number >> bit) & 1]).join(''),
  );
}
