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
  readonly #words: Uint32Array;
  /** Words of a row. */
  readonly width: number;

  constructor(rows: number, columns: number) {
    this.width = (columns + 31) >>> 5;
    this.#words = new Uint32Array(rows * this.width);
  }

  #word(index: number): number {
    return this.#words[index] ?? noElement(this.#words, index);
  }

  has(row: number, column: number): boolean {
    return ((this.#word(row * this.width + (column >>> 5)) >>> (column & 31)) & 1) === 1;
  }

  add(row: number, column: number): void {
    const index = row * this.width + (column >>> 5);
    this.#words[index] = this.#word(index) | (1 << (column & 31));
  }

  delete(row: number, column: number): void {
    const index = row * this.width + (column >>> 5);
    this.#words[index] = this.#word(index) & ~(1 << (column & 31));
  }

  /** Adds to row `to` what row `from` of `other` has; whether that changed the row. */
  addRow(to: number, other: BitRows, from: number): boolean {
    let changed = false;
    for (let word = 0; word < this.width; word++) {
      const index = to * this.width + word;
      const before = this.#word(index);
      const after = (before | other.#word(from * this.width + word)) >>> 0;
      if (after === before) continue;
      this.#words[index] = after;
      changed = true;
    }
    return changed;
  }

  /** Adds to row `to` what row `from` of `other` has and row `to` of `without` has not; whether that changed it. */
  addRowWithout(to: number, other: BitRows, from: number, without: BitRows): boolean {
    let changed = false;
    for (let word = 0; word < this.width; word++) {
      const index = to * this.width + word;
      const before = this.#word(index);
      const added = other.#word(from * this.width + word) & ~without.#word(index);
      const after = (before | added) >>> 0;
      if (after === before) continue;
      this.#words[index] = after;
      changed = true;
    }
    return changed;
  }

  /** Columns that a row has, in ascending order, appended to `into`. */
  collect(row: number, into: number[]): void {
    for (let word = 0; word < this.width; word++) {
      let bits = this.#word(row * this.width + word);
      while (bits !== 0) {
        into.push((word << 5) + 31 - Math.clz32(bits & -bits));
        bits &= bits - 1;
      }
    }
  }
}
