/**
 * Names out of a string table of an untrusted file.
 *
 * A whole table is turned into one JavaScript string when it is ASCII, and names are slices of it: that is
 * what makes large symbol tables cheap. The sum of all names is limited, because overlapping strings let a
 * small file describe names of quadratic size.
 */

import { noElement } from '../bytes/index.ts';
import { type CodeOf, inputError, type RootletError } from '../diag/index.ts';

/** Tail sharing lets names add up to more than their table; compilers stay far below this multiple. */
const NAME_BUDGET_FACTOR = 8;
const NAME_BUDGET_BASE = 1 << 16;

const ascii = new TextDecoder('latin1');
// A byte order mark is part of a name like any other character.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class StringTable {
  readonly #bytes: Uint8Array;
  readonly #text: string | null;
  #budget: number;

  readonly #place: readonly [file: string, what: string];

  /**
   * `fileSize` bounds the total size of names. Messages are placed at `file` and, with a number, at what is
   * named: `symbol`, `section`.
   */
  constructor(bytes: Uint8Array, fileSize: number, file: string, what: string) {
    this.#bytes = bytes;
    this.#place = [file, what];
    this.#text = isAscii(bytes) ? ascii.decode(bytes) : null;
    this.#budget = fileSize * NAME_BUDGET_FACTOR + NAME_BUDGET_BASE;
  }

  /**
   * The name at `offset`, of the thing with number `index`. Throws `elf-string-offset`,
   * `elf-string-unterminated`, `elf-string-encoding` (not UTF-8, so it could not be written back) or
   * `elf-string-budget`.
   */
  at(offset: number, index: number): string {
    if (offset >= this.#bytes.length) {
      const message = `name at offset ${offset} is outside its string table of ${this.#bytes.length} bytes`;
      throw this.#error('elf-string-offset', index, message);
    }
    const end = this.#text === null ? this.#bytes.indexOf(0, offset) : this.#text.indexOf('\0', offset);
    if (end < 0) {
      const message = `name at offset ${offset} of its string table has no terminating NUL`;
      throw this.#error('elf-string-unterminated', index, message);
    }
    this.#budget -= end - offset;
    if (this.#budget < 0) {
      throw this.#error('elf-string-budget', index, 'names overlap so much that they outgrow the file');
    }
    return this.#text === null ? this.#decode(offset, end, index) : this.#text.slice(offset, end);
  }

  #decode(offset: number, end: number, index: number): string {
    try {
      return utf8.decode(this.#bytes.subarray(offset, end));
    } catch {
      const message = `name at offset ${offset} of its string table is not valid UTF-8`;
      throw this.#error('elf-string-encoding', index, message);
    }
  }

  #error(code: CodeOf<'input'>, index: number, message: string): RootletError {
    const [file, what] = this.#place;
    return inputError(code, [file, `${what} ${index}`], message);
  }
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] ?? noElement(bytes, i)) >= 0x80) return false;
  return true;
}
