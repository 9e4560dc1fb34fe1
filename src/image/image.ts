/**
 * One memory with the bytes of inputs and columns of what is in them: no object for a symbol, a reference or a type.
 *
 * Kernels (`*.kernel.ts`) work on it; the rest of rootlet reads columns through this class and makes objects of
 * what it needs. `src/image/layout.ts` says what the columns are.
 */

import { HEADER, HEADER_WORDS, NAME, type Table, UNIT } from './layout.ts';
import { bindMemory } from './memory.ts';
import * as tables from './tables.kernel.ts';

const FIRST_BYTES = 1 << 20;

export class Image {
  #buffer = new ArrayBuffer(FIRST_BYTES);
  #words = new Int32Array(this.#buffer);
  #bytes = new Uint8Array(this.#buffer);

  readonly #unitNames: string[] = [];

  constructor() {
    this.#words[HEADER.top] = HEADER_WORDS * 4;
    this.#words[HEADER.limit] = FIRST_BYTES;
  }

  /** All memory as words; valid until something is added to the image. */
  get words(): Int32Array {
    return this.#words;
  }

  /** All memory as bytes; valid until something is added to the image. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /**
   * The functions of a kernel file, in the form that is in use, bound to this image. Ask again after another
   * image was used.
   */
  run<Kernels extends object>(kernels: Kernels): Kernels {
    bindMemory(this.#buffer, size => this.#grow(size));
    return kernels;
  }

  #grow(size: number): void {
    let limit = this.#buffer.byteLength;
    while (limit < size) limit *= 2;
    const buffer = new ArrayBuffer(limit);
    const bytes = new Uint8Array(buffer);
    bytes.set(this.#bytes);
    [this.#buffer, this.#bytes, this.#words] = [buffer, bytes, new Int32Array(buffer)];
    this.#words[HEADER.limit] = limit;
    bindMemory(buffer, wanted => this.#grow(wanted));
  }

  /** Copies bytes into the image; the address is aligned to 16, and at least one NUL follows. */
  add(contents: Uint8Array): number {
    const at = this.run(tables).alloc(contents.length + 1);
    this.#bytes.set(contents, at);
    return at;
  }

  /** A new row of UNIT; `name` is what messages call it. */
  addUnit(name: string): number {
    const unit = this.addRows(UNIT, 1);
    this.#unitNames[unit] = name;
    return unit;
  }

  unitName(unit: number): string {
    return this.#unitNames[unit] ?? '';
  }

  /** New rows of a table; returns the first. */
  addRows(table: Table<never>, rows: number): number {
    return this.run(tables).addRows(table.count, table.width, rows);
  }

  /** Number of rows of a table, with row 0. */
  count(table: Table<never>): number {
    return this.#words[table.count] ?? 0;
  }

  /** The word of a row; `column` is a number of `layout.ts`, as `ATOM.name`. */
  get(column: number, row: number): number {
    return this.#words[(this.#words[column] ?? 0) + row] ?? 0;
  }

  set(column: number, row: number, value: number): void {
    this.#words[(this.#words[column] ?? 0) + row] = value;
  }

  /** NAME of a text. */
  intern(text: string): number {
    return text === '' ? 0 : this.run(tables).intern(this.add(new TextEncoder().encode(text)));
  }

  /** Text of a NAME; '' for 0. */
  nameText(name: number): string {
    if (name === 0) return '';
    const at = this.get(NAME.at, name);
    return new TextDecoder().decode(this.#bytes.subarray(at, at + this.get(NAME.size, name)));
  }
}
