/**
 * Hashes that inputs cannot be made for. Tables of kernels begin with hashes that are fast and known, which inputs may
 * be made to collide in. Who takes more than `PROBES` steps for one entry draws keys and fills the table again, with
 * the hashes here. So a plain input pays for nothing, and every input takes near-linear time.
 *
 * Texts are polynomials over the numbers modulo 2^31 - 1, at a random place: two texts of n bytes have the same hash
 * for at most n of the 2^30 keys, whatever they are.
 */

import { HEADER } from './layout.ts';
import { byte, draw, setWord, word } from './memory.ts';

/** More than any entry of a table that is at most half full takes without bad luck of one in 10^10. */
export const PROBES = 128;
/** Texts with equal hashes that differ are compared, which takes longer: as many steps for each. */
export const EQUAL_HASH = 16;

/** Other keys of `mixLow` and `mixHigh`. */
export function drawMixKeys(): number {
  drawOdd(HEADER.mixPosition);
  return drawOdd(HEADER.mixValue);
}

function drawOdd(place: number): number {
  draw(place);
  setWord(place, word(place) | 1);
  return 1;
}

/** A hash of a number and its place among others. */
export function mixLow(value: number, position: number): number {
  const hash = Math.imul(value ^ Math.imul(position + 1, word(HEADER.mixPosition)), word(HEADER.mixValue));
  const mixed = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** Another one. */
export function mixHigh(value: number, position: number): number {
  const hash = Math.imul(
    (value + Math.imul(position + 1, word(HEADER.mixValue))) | 0,
    word(HEADER.mixPosition),
  );
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 14);
}

/** The key of hashes of texts, which is drawn once. */
export function textKey(): number {
  if (word(HEADER.textKey) === 0) {
    draw(HEADER.textKey);
    setWord(HEADER.textKey, (word(HEADER.textKey) & 0x3fffffff) + 2);
  }
  return word(HEADER.textKey);
}

/** Hash of the `size` bytes at an address, by the key. */
export function keyedText(at: number, size: number): number {
  const key = textKey();
  let sum = 0;
  for (let place = at + size - 1; place >= at; place = place - 1) sum = before(byte(place), sum, key);
  return scattered(sum);
}

/** The polynomial of a text that begins with `letter`, after which comes one whose polynomial is `sum`. */
export function before(letter: number, sum: number, key: number): number {
  return plus(times(sum, key), letter);
}

/** A hash of a polynomial, whose low bits differ for neighbours. */
export function scattered(sum: number): number {
  const hash = Math.imul(sum, 0x9e3779b1);
  return hash ^ (hash >>> 15);
}

/** The product of two numbers modulo 2^31 - 1, of 31 bits each. */
function times(a: number, b: number): number {
  const high = a >>> 16;
  const low = a & 0xffff;
  const otherHigh = b >>> 16;
  const otherLow = b & 0xffff;
  const cross = plus(Math.imul(high, otherLow), Math.imul(low, otherHigh));
  const least = Math.imul(low, otherLow);
  const upper = plus(Math.imul(high, otherHigh) << 1, ((cross & 0x7fff) << 16) | (cross >>> 15));
  return plus(upper, (least & 0x7fffffff) + (least >>> 31));
}

/** The sum of two numbers modulo 2^31 - 1, of 31 bits each. */
function plus(a: number, b: number): number {
  const sum = (a + b) | 0;
  return (sum & 0x7fffffff) + (sum >>> 31);
}
