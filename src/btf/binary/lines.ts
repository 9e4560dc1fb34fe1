/**
 * Source lines of instructions.
 *
 * An object has many more line records than anything else, and linking only copies them from one file to the
 * next: as JavaScript objects with two strings each they took a third of a link's memory. So they stay words,
 * as `.BTF.ext` has them, beside the string table that they were read with, and are decoded on demand.
 */

import { cString, noElement } from '../../bytes/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';

/** A line of source, for the instructions from `insnIndex` on. */
export interface LineRecord {
  readonly insnIndex: number;
  readonly file: string;
  /** Source text of the line, as the compiler recorded it (often indented). */
  readonly text: string;
  /** From 1; 22 bits. */
  readonly line: number;
  /** From 1; 10 bits. */
  readonly column: number;
}

/** Line records in order of `insnIndex`; an array of them will do. */
export interface LineRecords extends Iterable<LineRecord> {
  readonly length: number;
  /** The record at `index` (from 0), undefined after the last. */
  at(index: number): LineRecord | undefined;
}

/** Words of a record: byte offset of the instruction, file, text, line and column. */
export const LINE_WORDS = 4;
const MAX_LINE = 0x3fffff;
const MAX_COLUMN = 0x3ff;

/** Line and column as one word; numbers that do not fit become the largest that do. */
export function placeWord(line: number, column: number): number {
  return Math.min(line, MAX_LINE) * 1024 + Math.min(column, MAX_COLUMN);
}

/** Some of the records of a section, with instructions counted from `byteOffset`. */
export class PackedLines implements LineRecords {
  /** All records of the section in order of offset. Do not write into it. */
  readonly words: Uint32Array;
  /** NUL-terminated strings that the words are offsets into. */
  readonly strings: Uint8Array;
  /** Position of the first record in `words`. */
  readonly first: number;
  readonly length: number;
  /** Offset in the section of the instruction with index 0. */
  readonly byteOffset: number;

  /** The offsets in `words` must be sorted, and those of strings inside the table. */
  constructor(
    words: Uint32Array,
    strings: Uint8Array,
    range: { readonly first: number; readonly end: number; readonly byteOffset: number },
  ) {
    this.words = words;
    this.strings = strings;
    this.first = range.first * LINE_WORDS;
    this.length = range.end - range.first;
    this.byteOffset = range.byteOffset;
  }

  /** The records of the instructions from `start` to before `end` (byte offsets in the section). */
  between(start: number, end: number): PackedLines {
    const [first, last] = [this.#firstFrom(start), this.#firstFrom(end)];
    return new PackedLines(this.words, this.strings, { first, end: last, byteOffset: start });
  }

  at(index: number): LineRecord | undefined {
    if (!(index >= 0 && index < this.length)) return undefined;
    const at = this.first + index * LINE_WORDS;
    const place = this.words[at + 3] ?? noElement(this.words, at + 3);
    return {
      insnIndex: ((this.words[at] ?? noElement(this.words, at)) - this.byteOffset) / INSN_SIZE,
      file: this.#string(at + 1),
      text: this.#string(at + 2),
      line: place >>> 10,
      column: place & MAX_COLUMN,
    };
  }

  *[Symbol.iterator](): Generator<LineRecord> {
    for (let index = 0; index < this.length; index++) {
      const record = this.at(index);
      if (record !== undefined) yield record;
    }
  }

  #string(at: number): string {
    return cString(this.strings, this.words[at] ?? noElement(this.words, at), 'line');
  }

  /** Number of the first record of the section at `offset` or after it. */
  #firstFrom(offset: number): number {
    let low = this.first / LINE_WORDS;
    let high = low + this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.words[middle * LINE_WORDS] ?? noElement(this.words, middle * LINE_WORDS)) < offset)
        low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
