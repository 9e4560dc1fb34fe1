/**
 * The string table of a unit that was an object: the strings of its types first, at their own offsets, then those
 * that its line records and CO-RE relocations come with.
 */

import { encodeText } from '../../bytes/index.ts';

export class ImportedStrings {
  readonly #tables = new Map<Uint8Array, number>();
  readonly #texts = new Map<string, number>([['', 0]]);
  readonly #parts: (readonly [at: number, bytes: Uint8Array])[] = [];
  #size = 0;

  /** `base`: the strings whose offsets stay as they are. */
  constructor(base: Uint8Array) {
    this.tableAt(base);
  }

  /** Where a table is. Offset 0 of each is the empty string, which stays at 0. */
  tableAt(table: Uint8Array): number {
    const known = this.#tables.get(table);
    if (known !== undefined) return known;
    const at = this.#append(table);
    this.#tables.set(table, at);
    return at;
  }

  /** Offset of a text. */
  add(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const at = this.#append(encodeText(text));
    this.#texts.set(text, at);
    return at;
  }

  /** Bytes of the table; the last is a NUL. */
  get size(): number {
    return this.#size;
  }

  /** Fills `bytes`, which are `size` long, with the table. */
  writeTo(bytes: Uint8Array): void {
    for (const [at, part] of this.#parts) bytes.set(part, at);
  }

  #append(bytes: Uint8Array): number {
    const at = this.#size;
    this.#parts.push([at, bytes]);
    this.#size = at + bytes.length + 1;
    return at;
  }
}
