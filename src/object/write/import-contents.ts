/** What atoms of an imported object point to: contents, line records, and the strings that those refer to. */

import { type LineRecords, PackedLines, placeWord } from '../../btf/index.ts';
import { type Image, UNIT } from '../../image/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import { ImportedStrings } from './import-strings.ts';

/** Words of a line record. */
const LINE_WORDS = 4;
/** Offsets of file and text in a line record. */
const [FILE, TEXT] = [1, 2];

/** A growing array of words, for the image. */
class Words {
  #words = new Uint32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#words.length) {
      const grown = new Uint32Array(this.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[this.length++] = value;
  }

  /** Word index of the copy. */
  addTo(image: Image): number {
    return image.add(new Uint8Array(this.#words.buffer, 0, this.length * 4)) >> 2;
  }
}

/** The file that an atom came from: a unit with the strings of its records. */
export interface Source {
  readonly unit: number;
  readonly strings: ImportedStrings;
}

/** One source for each file that the symbols of an object came from. */
export class Sources {
  readonly #image: Image;
  readonly #byFile = new Map<string, Source>();

  /** `name`: the object itself, whose types have `strings`. */
  constructor(image: Image, unit: number, name: string, strings: Uint8Array) {
    this.#image = image;
    this.#byFile.set(name, { unit, strings: new ImportedStrings(strings) });
  }

  of(file: string): Source {
    const known = this.#byFile.get(file);
    if (known !== undefined) return known;
    const source = { unit: this.#image.addUnit(file), strings: new ImportedStrings(new Uint8Array(0)) };
    this.#byFile.set(file, source);
    return source;
  }

  /** Puts the string tables into the image, once nothing is added to them any more. */
  finish(): void {
    for (const { unit, strings } of this.#byFile.values()) {
      const bytes = new Uint8Array(strings.size);
      strings.writeTo(bytes);
      this.#image.set(UNIT.strings, unit, this.#image.add(bytes));
      this.#image.set(UNIT.stringSize, unit, bytes.length);
    }
  }
}

/** Line records of all atoms, one after the other. */
export class ImportedLines {
  readonly #words = new Words();

  /** Position of the records of an atom among all words. */
  add(lines: LineRecords, strings: ImportedStrings): number {
    const at = this.#words.length;
    if (lines instanceof PackedLines) this.#packed(lines, strings);
    else this.#records(lines, strings);
    return at;
  }

  /** Byte offset, in its records, of the first instruction of an atom. */
  static baseOf(lines: LineRecords): number {
    return lines instanceof PackedLines ? lines.byteOffset : 0;
  }

  addTo(image: Image): number {
    return this.#words.addTo(image);
  }

  #packed(lines: PackedLines, strings: ImportedStrings): void {
    if (lines.length === 0) return;
    const base = strings.tableAt(lines.strings);
    const moved = (offset: number): number => (offset === 0 ? 0 : offset + base);
    const records = lines.words.subarray(lines.first, lines.first + lines.length * LINE_WORDS);
    records.forEach((word, index) => {
      const field = index % LINE_WORDS;
      this.#words.push(field === FILE || field === TEXT ? moved(word) : word);
    });
  }

  #records(lines: LineRecords, strings: ImportedStrings): void {
    for (const { insnIndex, file, text, line, column } of lines) {
      this.#words.push(insnIndex * INSN_SIZE);
      this.#words.push(strings.add(file));
      this.#words.push(strings.add(text));
      this.#words.push(placeWord(line, column));
    }
  }
}

/** Code and data of all atoms; those that share bytes share them in the image. */
export class ImportedBytes {
  readonly #places = new Map<Uint8Array, number>();
  #size = 0;

  add(bytes: Uint8Array): void {
    if (this.#places.has(bytes)) return;
    this.#places.set(bytes, this.#size);
    this.#size += (bytes.length + INSN_SIZE) & -INSN_SIZE;
  }

  /** Address of each of the arrays. */
  addTo(image: Image): (bytes: Uint8Array) => number {
    const all = new Uint8Array(this.#size);
    for (const [bytes, place] of this.#places) all.set(bytes, place);
    const at = image.add(all);
    return bytes => at + (this.#places.get(bytes) ?? 0);
  }
}
