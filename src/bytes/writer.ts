/** Building byte strings: chunks that are measured once and joined once, and string tables. */

import { type ByteOrder, encodeTextInto } from './cursor.ts';

/** Bytes that one UTF-16 unit can take in UTF-8. */
const MAX_UTF8_LENGTH = 3;

/** Grows by doubling; passes a view of exactly what was written. */
export class ByteWriter {
  readonly order: ByteOrder;
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(order: ByteOrder, capacity = 256) {
    this.order = order;
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, this.order === 'little');
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, this.order === 'little');
  }

  u64(value: bigint): void {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value, this.order === 'little');
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** UTF-8 of `value`, without a NUL. */
  text(value: string): void {
    const at = this.#reserve(value.length * MAX_UTF8_LENGTH);
    this.#length = at + encodeTextInto(value, this.#bytes, at);
  }

  zeros(count: number): void {
    this.#reserve(count);
  }

  /** Zero bytes up to the next multiple of `alignment`. */
  align(alignment: number): void {
    const rest = this.#length % alignment;
    if (rest !== 0) this.zeros(alignment - rest);
  }

  /** What was written, without a copy; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return at;
  }
}

/** Interns strings into one NUL-separated table; offset 0 is the empty string. */
export class StringTableBuilder {
  readonly #offsets = new Map<string, number>([['', 0]]);
  readonly #writer = new ByteWriter('little', 1024);

  constructor() {
    this.#writer.u8(0);
  }

  /** Offset of `text` in the table, adding it at first sight. */
  add(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.#writer.length;
    this.#writer.text(text);
    this.#writer.u8(0);
    this.#offsets.set(text, offset);
    return offset;
  }

  get length(): number {
    return this.#writer.length;
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

/** `value` rounded up to a multiple of `alignment` (a power of two or any positive integer). */
export function alignUp(value: number, alignment: number): number {
  const rest = value % alignment;
  return rest === 0 ? value : value + alignment - rest;
}
