/**
 * Interning of strings that mostly come from other string tables: compared and hashed as bytes, without
 * making JavaScript strings of them, so that merging thousands of tables is a matter of memory copies.
 *
 * Offset 0 is the empty string. The same strings in the same order give the same table. Strings that crowd, because they
 * were made to, are hashed with a key.
 *
 * `?? 0` after an index satisfies the compiler and never applies: every slot of the tables is a number.
 */

import { encodeText } from '../../bytes/index.ts';
import { CROWD, drawKey, hashOfSum, withBytes } from '../../image/index.ts';

/** Most bytes that are set aside before they are needed. */
const MAX_CAPACITY = 8 << 20;
/** Bytes of a name that pay for one slot: names are rarely shorter, and slots are half empty. */
const BYTES_PER_SLOT = 8;

export class StringPool {
  #bytes: Uint8Array;
  #length = 1;
  /** Open addressing: offset of a string, 0 = free. */
  #slots: Uint32Array;
  #hashes: Uint32Array;
  #used = 0;
  /** Of hashes; 0: none is needed. */
  #key = 0;
  readonly #texts = new Map<string, number>([['', 0]]);

  /** Room for about `capacity` bytes; more is taken as it is needed. */
  constructor(capacity = 2048) {
    const bytes = Math.min(Math.max(capacity, 2048), MAX_CAPACITY);
    let slots = 256;
    while (slots * BYTES_PER_SLOT < bytes) slots *= 2;
    this.#bytes = new Uint8Array(bytes);
    this.#slots = new Uint32Array(slots);
    this.#hashes = new Uint32Array(slots);
  }

  get length(): number {
    return this.#length;
  }

  /** Offset of the NUL-terminated string at `offset` of `table`; the end of the table ends it as well. */
  addFrom(table: Uint8Array, offset: number): number {
    let hash = 0x811c9dc5;
    let end = offset;
    for (; end < table.length; end++) {
      const byte = table[end] ?? 0;
      if (byte === 0) break;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (end === offset) return 0;
    const plain = (hash ^ (hash >>> 15)) >>> 0;
    return this.#intern(
      table,
      offset,
      end - offset,
      this.#key === 0 ? plain : this.#keyed(table, offset, end),
    );
  }

  /** Offset of `text`. */
  add(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const offset = this.addFrom(encodeText(text), 0);
    this.#texts.set(text, offset);
    return offset;
  }

  /** The table; the pool must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #intern(table: Uint8Array, offset: number, length: number, hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let steps = 0; ; steps++) {
      const known = this.#slots[slot] ?? 0;
      if (known === 0) break;
      if (this.#hashes[slot] === hash && this.#equals(known, table, offset, length)) return known;
      if (steps === CROWD && this.#key === 0) return this.#internKeyed(table, offset, length);
      slot = (slot + 1) & mask;
    }
    const added = this.#append(table, offset, length);
    this.#slots[slot] = added;
    this.#hashes[slot] = hash;
    this.#used++;
    if (this.#used * 2 > this.#slots.length) this.#place(2 * this.#slots.length);
    return added;
  }

  #keyed(table: Uint8Array, offset: number, end: number): number {
    return hashOfSum(withBytes(0, table, offset, end - offset, this.#key)) >>> 0;
  }

  /** All strings get other hashes. */
  #internKeyed(table: Uint8Array, offset: number, length: number): number {
    this.#key = drawKey();
    this.#slots.forEach((known, slot) => {
      if (known !== 0) this.#hashes[slot] = this.#keyed(this.#bytes, known, this.#bytes.indexOf(0, known));
    });
    this.#place(this.#slots.length);
    return this.#intern(table, offset, length, this.#keyed(table, offset, offset + length));
  }

  #equals(known: number, table: Uint8Array, offset: number, length: number): boolean {
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) if (bytes[known + i] !== table[offset + i]) return false;
    return bytes[known + length] === 0;
  }

  #append(table: Uint8Array, offset: number, length: number): number {
    const added = this.#length;
    if (added + length + 1 > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(added + length + 1, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, added));
      this.#bytes = grown;
    }
    if (length > 32) this.#bytes.set(table.subarray(offset, offset + length), added);
    else for (let i = 0; i < length; i++) this.#bytes[added + i] = table[offset + i] ?? 0;
    this.#length = added + length + 1;
    return added;
  }

  /** All strings in a table of that many slots. */
  #place(count: number): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    this.#slots = new Uint32Array(count);
    this.#hashes = new Uint32Array(count);
    const mask = this.#slots.length - 1;
    for (let i = 0; i < slots.length; i++) {
      const offset = slots[i] ?? 0;
      if (offset === 0) continue;
      const hash = hashes[i] ?? 0;
      let slot = hash & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = offset;
      this.#hashes[slot] = hash;
    }
  }
}
