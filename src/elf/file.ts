/**
 * `ElfFile` of a unit: objects made of columns, of each kind when it is asked for.
 *
 * Fields of 64 bits are read from the tables of the file, because columns have their low words only.
 */

import { type ByteOrder, elementAt, type InputFile, withLazy } from '../bytes/index.ts';
import { type Image, SECTION, SYMBOL, UNIT } from '../image/index.ts';
import { GRP_COMDAT, SHT_GROUP, SHT_NOBITS, SHT_NULL } from './constants.ts';
import { REL, SHDR, SYM } from './fields.ts';
import * as groups from './kernels/groups.kernel.ts';
import type { ElfFile, ElfGroup, ElfRelocation, ElfSection, ElfSymbol } from './model.ts';
import { wideNumber } from './wide.ts';

/** The file that `scanElf` read as `unit`. Contents of sections are views of the bytes of `file`. */
export function elfFileOf(image: Image, unit: number, { name, bytes }: InputFile): ElfFile {
  // A plain view also when given a Buffer, whose methods differ.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const byteOrder: ByteOrder = image.get(UNIT.order, unit) === 0 ? 'little' : 'big';
  return withLazy(
    { name, byteOrder, flags: image.get(UNIT.flags, unit) >>> 0 },
    {
      sections: () => rows(image.get(UNIT.sectionCount, unit), index => sectionOf(image, unit, index, plain)),
      symbols: () => rows(image.get(UNIT.symbolCount, unit), index => symbolOf(image, unit, index)),
      relocations: () => relocationsOf(image, unit),
      groups: () => groupsOf(image, unit),
    },
  );
}

function rows<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

const NO_BYTES = new Uint8Array(0);

function sectionOf(image: Image, unit: number, index: number, file: Uint8Array): ElfSection {
  const row = image.get(UNIT.sections, unit) + index;
  const header = image.get(UNIT.headers, unit) / 4 + index * SHDR.words;
  const wide = (field: number): number => wideNumber(image.words, header + field);
  const type = image.get(SECTION.type, row) >>> 0;
  const size = type === SHT_NULL ? 0 : wide(SHDR.size);
  const fileOffset = type === SHT_NULL ? 0 : wide(SHDR.offset);
  return {
    name: image.nameText(image.get(SECTION.name, row)),
    type,
    flags: wide(SHDR.flags),
    link: image.get(SECTION.link, row) >>> 0,
    info: image.get(SECTION.info, row) >>> 0,
    align: wide(SHDR.align),
    entsize: wide(SHDR.entsize),
    size,
    bytes: size === 0 || type === SHT_NOBITS ? NO_BYTES : file.subarray(fileOffset, fileOffset + size),
    fileOffset,
  };
}

/** A value above 2^53 comes out inexact; only symbols of ignored sections have one. */
function symbolOf(image: Image, unit: number, index: number): ElfSymbol {
  const row = image.get(UNIT.symbols, unit) + index;
  const entry = image.get(SECTION.at, image.get(UNIT.symbolTable, unit)) / 4 + index * SYM.words;
  return {
    name: image.nameText(image.get(SYMBOL.name, row)),
    value: wideNumber(image.words, entry + SYM.value),
    size: wideNumber(image.words, entry + SYM.size),
    type: image.get(SYMBOL.type, row),
    binding: image.get(SYMBOL.binding, row),
    visibility: image.get(SYMBOL.visibility, row),
    section: image.get(SYMBOL.section, row),
  };
}

/** By the index of the section that they change, in the order of the sections that hold them. */
function relocationsOf(image: Image, unit: number): ReadonlyMap<number, readonly ElfRelocation[]> {
  const first = image.get(UNIT.sections, unit);
  const found = rows(image.get(UNIT.sectionCount, unit), index => ({
    index,
    row: image.get(SECTION.relocations, first + index),
  }));
  const holders = found.filter(({ row }) => row !== 0).sort((a, b) => a.row - b.row);
  return new Map(holders.map(({ index, row }) => [index, recordsOf(image, row)]));
}

function recordsOf(image: Image, row: number): readonly ElfRelocation[] {
  const table = image.get(SECTION.at, row) / 4;
  return rows(image.get(SECTION.size, row) / REL.bytes, index => {
    const record = table + index * REL.words;
    return {
      offset: elementAt(image.words, record + REL.offset),
      type: elementAt(image.words, record + REL.type),
      symbol: elementAt(image.words, record + REL.symbol),
    };
  });
}

function groupsOf(image: Image, unit: number): readonly ElfGroup[] {
  const first = image.get(UNIT.sections, unit);
  return rows(image.get(UNIT.sectionCount, unit), index => first + index)
    .filter(row => image.get(SECTION.type, row) === SHT_GROUP)
    .map(row => groupOf(image, unit, row));
}

function groupOf(image: Image, unit: number, row: number): ElfGroup {
  const at = image.get(SECTION.at, row);
  const words = image.words.subarray(at / 4, (at + image.get(SECTION.size, row)) / 4);
  const symbol = image.get(UNIT.symbols, unit) + image.get(SECTION.info, row);
  return {
    signature: image.nameText(image.run(groups).signatureOf(unit, symbol)),
    comdat: (elementAt(words, 0) & GRP_COMDAT) !== 0,
    sections: [...words.subarray(1)],
  };
}
