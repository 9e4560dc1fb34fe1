/**
 * Name offsets of one string table in another. Long strings that begin inside of others stay ends of them, as they do in
 * kernels (`texts.kernel.ts`): else a small table would become a very large one.
 *
 * `?? 0` after an index satisfies the compiler and never applies: offsets have been checked.
 */

import type { StringPool } from './string-pool.ts';

/** Shorter strings are copied. */
const LONG = 64;

/** Maps name offsets of a string table into a pool, each distinct offset once. */
export class StringMapper {
  readonly #pool: StringPool;
  readonly #table: Uint8Array;
  /** Mapped offsets, 0 = not yet. */
  readonly #known: Uint32Array;
  /** For each block of `LONG` bytes where the string begins that reaches over its start; 0 = not known yet. */
  #starts: Uint32Array | undefined;

  constructor(pool: StringPool, table: Uint8Array) {
    this.#pool = pool;
    this.#table = table;
    this.#known = new Uint32Array(table.length);
  }

  map(offset: number): number {
    if (offset === 0) return 0;
    const known = this.#known[offset] ?? 0;
    if (known !== 0) return known;
    const start = this.#startOf(offset);
    const mapped =
      start === offset ? this.#pool.addFrom(this.#table, offset) : this.map(start) + offset - start;
    this.#known[offset] = mapped;
    return mapped;
  }

  /** Where the string around `offset` begins; `offset` itself for a short one. */
  #startOf(offset: number): number {
    const table = this.#table;
    if (table[offset - 1] === 0 || !isLong(table, offset)) return offset;
    this.#starts ??= new Uint32Array(Math.ceil(table.length / LONG) + 1);
    const block = Math.ceil(offset / LONG);
    const known = this.#starts[block] ?? 0;
    if (known !== 0) return known;
    const start = table.lastIndexOf(0, offset - 1) + 1;
    const end = table.indexOf(0, offset);
    this.#starts.fill(start, Math.ceil(start / LONG), Math.floor(end / LONG) + 1);
    return start;
  }
}

function isLong(table: Uint8Array, offset: number): boolean {
  for (let at = offset; at < offset + LONG; at++) if ((table[at] ?? 0) === 0) return false;
  return true;
}
