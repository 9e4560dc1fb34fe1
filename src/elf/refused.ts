/**
 * What was refused, for those who explain it: the operands of the fault, and exact fields of the file.
 *
 * Columns have 32 bits of a field; messages show all 64. Rows of sections and symbols are filled as far as the
 * kernel came, so an explanation may ask only for what was read before its fault.
 */

import { type ByteOrder, elementAt, given, type RecordOf, viewOf } from '../bytes/index.ts';
import { type CodeOf, inputError, quote, type RootletError } from '../diag/index.ts';
import { FAULT, type Image, SECTION, SYMBOL, UNIT } from '../image/index.ts';
import { Elf64Ehdr, Elf64Rel, Elf64Shdr, SHT_NULL } from './constants.ts';
import { SHDR } from './fields.ts';
import { wideNumber } from './wide.ts';

/** What a problem has beside its message. */
export interface Extras {
  readonly offset?: number;
  readonly hint?: string | undefined;
}

/** By code of `ELF_FAULT`. */
export type Explanations = Readonly<Record<number, (refused: Refused) => RootletError>>;

/** A fault of an ELF file. */
export class Refused {
  readonly image: Image;
  readonly unit: number;
  readonly name: string;
  readonly code: number;
  readonly a: number;
  readonly b: number;

  /** `row`: of FAULT. */
  constructor(image: Image, name: string, row: number) {
    this.image = image;
    this.name = name;
    this.unit = image.get(FAULT.unit, row);
    this.code = image.get(FAULT.code, row);
    this.a = image.get(FAULT.a, row);
    this.b = image.get(FAULT.b, row);
  }

  /** The problem, placed in the file. */
  error(code: CodeOf<'input'>, place: string | null, message: string, extras: Extras = {}): RootletError {
    return inputError(code, place === null ? [this.name] : [this.name, place], message, given(extras));
  }

  /** The bytes of the file, as they are in the image. */
  get bytes(): Uint8Array {
    const at = this.image.get(UNIT.at, this.unit);
    return this.image.bytes.subarray(at, at + this.size);
  }

  get size(): number {
    return this.image.get(UNIT.size, this.unit);
  }

  get order(): ByteOrder {
    return this.image.get(UNIT.order, this.unit) === 0 ? 'little' : 'big';
  }

  /** The file header. */
  get header(): RecordOf<typeof Elf64Ehdr> {
    return Elf64Ehdr.decode(viewOf(this.bytes), 0, this.order);
  }

  /** Offset in the file of a field of a section header. */
  headerOffset(index: number, field: number): number {
    return Number(this.header.e_shoff) + index * Elf64Shdr.size + field * 4;
  }

  /** A field of 64 bits of a section header; `field` is a number of `SHDR`. */
  wide(index: number, field: number): bigint {
    const at = this.image.get(UNIT.headers, this.unit) + index * SHDR.bytes + field * 4;
    return viewOf(this.image.bytes).getBigUint64(at, true);
  }

  // --- sections ---------------------------------------------------------------------------------------------------

  get sectionCount(): number {
    return this.image.get(UNIT.sectionCount, this.unit);
  }

  /** A column of SECTION, unsigned. */
  section(column: number, index: number): number {
    return this.image.get(column, this.image.get(UNIT.sections, this.unit) + index) >>> 0;
  }

  isSection(index: number): boolean {
    return index < this.sectionCount;
  }

  sectionName(index: number): string {
    return this.image.nameText(this.section(SECTION.name, index));
  }

  /** `section ".text"`. */
  sectionPlace(index: number): string {
    return `section ${quote(this.sectionName(index))}`;
  }

  /** Size of a section, which need not be in the file. */
  sectionSize(index: number): number {
    return this.section(SECTION.type, index) === SHT_NULL ? 0 : Number(this.wide(index, SHDR.size));
  }

  // --- symbols ----------------------------------------------------------------------------------------------------

  /** ELF section index of the symbol table. */
  get symbolTable(): number {
    return this.image.get(UNIT.symbolTable, this.unit) - this.image.get(UNIT.sections, this.unit);
  }

  get symbolCount(): number {
    return this.image.get(UNIT.symbolCount, this.unit);
  }

  /** A column of SYMBOL. */
  symbol(column: number, index: number): number {
    return this.image.get(column, this.image.get(UNIT.symbols, this.unit) + index);
  }

  symbolName(index: number): string {
    return this.image.nameText(this.symbol(SYMBOL.name, index));
  }

  /** A field of 64 bits of a table in host order; `at` is its word in the table. Inexact above 2^53. */
  tableNumber(section: number, at: number): number {
    return wideNumber(this.image.words, this.section(SECTION.at, section) / 4 + at);
  }

  /** A word of a table in host order, unsigned. */
  tableWord(section: number, at: number): number {
    return elementAt(this.image.words, this.section(SECTION.at, section) / 4 + at) >>> 0;
  }

  /** Type of the first record of relocations that are ignored, which are in file order. */
  ignoredType(section: number): number {
    const record = Elf64Rel.decode(viewOf(this.bytes), this.section(SECTION.offset, section), this.order);
    return Number(record.r_info & 0xffffffffn);
  }
}
