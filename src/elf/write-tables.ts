/**
 * The input of `writeElf`, and the tables that it writes: symbols in gABI order, relocations, extended
 * indexes.
 */

import { type ByteOrder, noElement, type StringTableBuilder } from '../bytes/index.ts';
import { bugError, inputError, quote } from '../diag/index.ts';
import type { Image } from '../image/index.ts';
import { Elf64Sym, SHN_ABS, SHN_COMMON, SHN_LORESERVE, SHN_XINDEX, STB_LOCAL } from './constants.ts';
import type { ElfRelocation } from './model.ts';
import * as kernel from './write.kernel.ts';

/** A section to be written. */
export interface ElfSectionOutput {
  readonly name: string;
  /** SHT_*. */
  readonly type: number;
  readonly flags: number;
  readonly align: number;
  readonly entsize: number;
  /** Null for NOBITS; otherwise `size` bytes, or what writes them when they are needed. */
  readonly bytes:
    | Uint8Array
    | {
        readonly length: number;
        /** Fills `target`, which has exactly that length. */
        readonly writeTo: (target: Uint8Array) => void;
      }
    | null;
  readonly size: number;
}

/** A symbol to be written. */
export interface ElfSymbolOutput {
  readonly name: string;
  readonly value: number;
  readonly size: number;
  readonly type: number;
  readonly binding: number;
  readonly visibility: number;
  /** Position in `sections` counted from 1, or SHN_UNDEF, SHN_ABS, SHN_COMMON. */
  readonly section: number;
}

/** What `writeElf` writes. */
export interface ElfOutput {
  readonly byteOrder: ByteOrder;
  /** e_flags. */
  readonly flags: number;
  readonly sections: readonly ElfSectionOutput[];
  /** Without the null symbol, in any order: locals are put first, otherwise the order stays. */
  readonly symbols: readonly ElfSymbolOutput[];
  /** By position in `sections` counted from 1; `symbol` is the position in `symbols` counted from 1. */
  readonly relocations: ReadonlyMap<number, readonly ElfRelocation[]>;
}

/** An address of an image. */
export interface Place {
  readonly image: Image;
  readonly at: number;
}

export interface SymbolOrder {
  /** Positions in the caller's list, in the order of the file. */
  readonly sorted: readonly number[];
  /** File index of the caller's symbol at a position counted from 0. */
  readonly indexes: Uint32Array;
  readonly localCount: number;
}

export function sortSymbols(symbols: readonly ElfSymbolOutput[]): SymbolOrder {
  const locals: number[] = [];
  const globals: number[] = [];
  symbols.forEach((symbol, at) => {
    (symbol.binding === STB_LOCAL ? locals : globals).push(at);
  });
  const sorted = locals.concat(globals);
  const indexes = new Uint32Array(symbols.length);
  sorted.forEach((at, index) => {
    indexes[at] = index + 1;
  });
  return { sorted, indexes, localCount: locals.length };
}

export function addName(strings: StringTableBuilder, name: string): number {
  if (!name.includes('\0')) return strings.add(name);
  throw inputError('elf-name', [], `the name ${quote(name)} cannot be written: it contains a NUL`);
}

/** Section indexes of all symbols, the null symbol first, when some do not fit in st_shndx; else null. */
export function extendedIndexes(symbols: readonly ElfSymbolOutput[], order: SymbolOrder): Uint32Array | null {
  if (!symbols.some(symbol => needsExtension(symbol.section))) return null;
  const indexes = new Uint32Array(symbols.length + 1);
  order.sorted.forEach((at, index) => {
    const section = (symbols[at] ?? noElement(symbols, at)).section;
    if (needsExtension(section)) indexes[index + 1] = section;
  });
  return indexes;
}

function needsExtension(section: number): boolean {
  return section >= SHN_LORESERVE && section !== SHN_ABS && section !== SHN_COMMON;
}

/** Offsets of all names, in the order of the file. */
export function symbolNames(output: ElfOutput, order: SymbolOrder, strings: StringTableBuilder): Uint32Array {
  const offsets = new Uint32Array(order.sorted.length);
  order.sorted.forEach((position, index) => {
    offsets[index] = addName(strings, (output.symbols[position] ?? noElement(output.symbols, position)).name);
  });
  return offsets;
}

/** The number of a field of 64 bits of which 32 are used. Throws `elf-number-too-large`. */
export function fieldOf(where: string, value: number): number {
  if (value >= 0 && value <= 0xffffffff) return value | 0;
  throw inputError('elf-number-too-large', [where], `${value} needs more than 32 bits`);
}

/** Writes the symbol table at an address of the image; `names` are what `symbolNames` gave. */
export function encodeSymbols(
  output: ElfOutput,
  order: SymbolOrder,
  names: Uint32Array,
  { image, at }: Place,
): void {
  const { putSymbol } = image.run(kernel);
  const big = output.byteOrder === 'big' ? 1 : 0;
  let to = at + Elf64Sym.size;
  order.sorted.forEach((position, index) => {
    const symbol = output.symbols[position] ?? noElement(output.symbols, position);
    const { section, binding, type } = symbol;
    const where = `symbol ${quote(symbol.name)}`;
    if (section > output.sections.length && section !== SHN_ABS && section !== SHN_COMMON)
      throw bugError([where], `is in section ${section} of ${output.sections.length}`);
    const name = names[index] ?? noElement(names, index);
    const short = needsExtension(section) ? SHN_XINDEX : section;
    const [value, size] = [fieldOf(where, symbol.value), fieldOf(where, symbol.size)];
    to = putSymbol(to, name, binding * 16 + type, symbol.visibility, short, value, size, big);
  });
}

export function encodeRelocations(
  relocations: readonly ElfRelocation[],
  order: SymbolOrder,
  byteOrder: ByteOrder,
  { image, at }: Place,
): void {
  const { putElfRelocation } = image.run(kernel);
  let to = at;
  for (const { offset, type, symbol } of relocations) {
    const index = order.indexes[symbol - 1];
    if (index === undefined) throw bugError([], `relocation at ${offset} refers to symbol ${symbol}`);
    const field = fieldOf(`relocation to symbol ${symbol}`, offset);
    to = putElfRelocation(to, field, type, index, byteOrder === 'big' ? 1 : 0);
  }
}
