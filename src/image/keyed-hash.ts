/**
 * Hashes that inputs cannot be made for, of tables outside of images. As in kernels (`keys.kernel.ts`), a table begins
 * with a hash that is fast and known, and takes a key once entries crowd: a plain input pays for nothing.
 *
 * A hash is a polynomial modulo 2^31 - 1 at a random place, of 21 bits so that products are exact numbers: two lists of n
 * parts have the same one for at most n of the 2^21 places, whatever they are.
 */

import { elementAt } from '../bytes/index.ts';
import { randomWord } from './random.ts';

/** Steps for one entry that a table takes before it draws a key. */
export const CROWD = 128;

const MODULUS = 2 ** 31 - 1;
const KEY_MASK = 2 ** 21 - 1;

/** A key; never 0, which stands for none. */
export function drawKey(): number {
  return Math.max(randomWord() & KEY_MASK, 2);
}

/** The sum of a list and one part more, which is below 2^31. */
export function withPart(sum: number, part: number, key: number): number {
  return (sum * key + part) % MODULUS;
}

/** The same for a number of 32 bits, in two parts. */
export function withNumber(sum: number, value: number, key: number): number {
  return withPart(withPart(sum, (value >>> 16) + 1, key), (value & 0xffff) + 1, key);
}

/** The same for bytes. */
export function withBytes(sum: number, bytes: Uint8Array, at: number, size: number, key: number): number {
  let all = sum;
  for (let place = at; place < at + size; place++) all = withPart(all, elementAt(bytes, place) + 1, key);
  return all;
}

/** A hash of 32 bits of a sum, whose low bits differ for neighbours. */
export function hashOfSum(sum: number): number {
  const hash = Math.imul(sum, 0x9e3779b1);
  return hash ^ (hash >>> 15);
}
