/**
 * Tables of numbers for the analyses: integers by register or block, and rows of bits.
 *
 * Typed arrays with checked access in functions that see one kind of array only: the loops of liveness and
 * colouring are the hot ones of the optimizer, and `elementAt` sees arrays of every kind.
 */

import { noElement } from '../../../bytes/index.ts';

/** Element `index`. Throws `bug-index` where there is none. */
export function intAt(list: Int32Array, index: number): number {
  return list[index] ?? noElement(list, index);
}

/** A table of `length` integers that all are `value`. */
export function filled(length: number, value: number): Int32Array {
  return new Int32Array(length).fill(value);
}

/** Rows of bits, of the same length. */
export class BitRows {
  readonly #words: Int32Array;
  /** Words of a row. */
  readonly #width: number;

  constructor(rows: number, columns: number) {
    this.#width = (columns + 31) >>> 5;
    this.#words = new Int32Array(rows * this.#width);
  }

  has(row: number, column: number): boolean {
    return ((intAt(this.#words, row * this.#width + (column >>> 5)) >>> (column & 31)) & 1) === 1;
  }

  /** Sets a bit; whether it was not set before. */
  add(row: number, column: number): boolean {
    const index = row * this.#width + (column >>> 5);
    const before = intAt(this.#words, index);
    const after = before | (1 << (column & 31));
    this.#words[index] = after;
    return after !== before;
  }
}
