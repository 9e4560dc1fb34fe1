/**
 * Sections, symbols and relocations to a relocatable BPF object, for those who have no unit of an image. What the
 * file looks like is in `write.kernel.ts`. Same input, same bytes.
 */

import { type ByteOrder, type Contents, elementAt, StringTableBuilder, viewOf } from '../bytes/index.ts';
import { bugError, inputError, quote } from '../diag/index.ts';
import { Image, OUTPUT, OUTPUT_SECTION } from '../image/index.ts';
import * as tables from '../image/tables.kernel.ts';
import {
  Elf64Rel,
  Elf64Sym,
  MAX_SECTIONS,
  SHF_INFO_LINK,
  SHT_NOBITS,
  SHT_REL,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
} from './constants.ts';
import { highWord } from './wide.ts';
import * as kernel from './write.kernel.ts';
import {
  addName,
  type ElfOutput,
  type ElfSectionOutput,
  encodeRelocations,
  encodeSymbols,
  extendedIndexes,
  fieldOf,
  type Place,
  type SymbolOrder,
  sortSymbols,
  symbolNames,
} from './write-tables.ts';

export type { ElfOutput, ElfSectionOutput, ElfSymbolOutput } from './write-tables.ts';

/**
 * The bytes of the object. Throws only for output that breaks its own promises (`bug-invariant`) or limits.
 */
export function writeElf(output: ElfOutput): Uint8Array {
  const image = new Image();
  const order = sortSymbols(output.symbols);
  const sections = planSections(output, order);
  const file = image.run(kernel).beginOutput(output.byteOrder === 'big' ? 1 : 0, output.flags);
  for (const section of sections) addSection(image, file, section);
  const size = image.run(kernel).placeOutput(file);
  if (size === 0) throw inputError('elf-number-too-large', [], 'the file takes more than 2147483647 bytes');
  const at = image.run(tables).alloc(size);
  const first = image.get(OUTPUT.sections, file) + 1;
  sections.forEach(({ contents }, index) => {
    const place = at + image.get(OUTPUT_SECTION.offset, first + index);
    if (typeof contents === 'function') contents({ image, at: place });
    else if (contents instanceof Uint8Array) image.bytes.set(contents, place);
    else contents?.writeTo(image.bytes.subarray(place, place + contents.length));
  });
  image.run(kernel).putHeaders(at, file);
  const bytes = image.bytes.slice(at, at + size);
  image.release();
  return bytes;
}

interface PlannedSection {
  readonly name: string;
  readonly nameOffset: number;
  readonly type: number;
  readonly flags: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entsize: number;
  readonly size: number;
  /** Bytes, or what writes them: where they will be. */
  readonly contents: Uint8Array | Contents | ((place: Place) => void) | null;
}

function addSection(image: Image, file: number, section: PlannedSection): void {
  const { name, nameOffset, type, link, info } = section;
  const where = `section ${quote(name)}`;
  const row = image
    .run(kernel)
    .addOutputSection(
      file,
      nameOffset,
      type,
      fieldOf(where, section.flags),
      fieldOf(where, section.align),
      section.entsize,
      fieldOf(where, section.size),
    );
  image.set(OUTPUT_SECTION.link, row, link);
  image.set(OUTPUT_SECTION.info, row, info);
  image.set(OUTPUT_SECTION.entsizeHigh, row, highWord(section.entsize));
}

/** Every section of the file after the null section, in file order. */
function planSections(output: ElfOutput, order: SymbolOrder): PlannedSection[] {
  const strings = new StringTableBuilder();
  const relocated = output.sections.flatMap((_, at) =>
    output.relocations.get(at + 1)?.length ? [at + 1] : [],
  );
  const symbolTable = 1 + output.sections.length + relocated.length;
  const indexes = extendedIndexes(output.symbols, order);
  const stringTable = symbolTable + (indexes === null ? 1 : 2);
  if (stringTable >= MAX_SECTIONS) {
    throw inputError(
      'elf-too-many-sections',
      [],
      `needs ${stringTable + 1} sections, more than ${MAX_SECTIONS}`,
    );
  }
  const planned = output.sections.map(section => planContents(section, strings));
  for (const target of relocated) planned.push(planRelocations(output, target, order, symbolTable, strings));
  planned.push(planSymbols(output, order, stringTable, strings));
  if (indexes !== null) planned.push(planExtendedIndexes(indexes, output.byteOrder, symbolTable, strings));
  planned.push(planStrings(strings));
  return planned;
}

function planContents(section: ElfSectionOutput, strings: StringTableBuilder): PlannedSection {
  const { name, type, flags, align, entsize, size, bytes } = section;
  if ((bytes === null) !== (type === SHT_NOBITS) || (bytes !== null && bytes.length !== size)) {
    throw bugError(
      [`section ${quote(name)}`],
      `${bytes?.length ?? 'no'} bytes of type ${type} for size ${size}`,
    );
  }
  const nameOffset = addName(strings, name);
  return { name, nameOffset, type, flags, link: 0, info: 0, align, entsize, size, contents: bytes };
}

function planRelocations(
  output: ElfOutput,
  target: number,
  order: SymbolOrder,
  symbolTable: number,
  strings: StringTableBuilder,
): PlannedSection {
  const name = `.rel${elementAt(output.sections, target - 1).name}`;
  const relocations = output.relocations.get(target) ?? [];
  return {
    name,
    nameOffset: addName(strings, name),
    type: SHT_REL,
    flags: SHF_INFO_LINK,
    link: symbolTable,
    info: target,
    align: 8,
    entsize: Elf64Rel.size,
    size: relocations.length * Elf64Rel.size,
    contents: place => encodeRelocations(relocations, order, output.byteOrder, place),
  };
}

function planSymbols(
  output: ElfOutput,
  order: SymbolOrder,
  stringTable: number,
  strings: StringTableBuilder,
): PlannedSection {
  const names = symbolNames(output, order, strings);
  return {
    name: '.symtab',
    nameOffset: addName(strings, '.symtab'),
    type: SHT_SYMTAB,
    flags: 0,
    link: stringTable,
    info: order.localCount + 1,
    align: 8,
    entsize: Elf64Sym.size,
    size: (output.symbols.length + 1) * Elf64Sym.size,
    contents: place => encodeSymbols(output, order, names, place),
  };
}

function planExtendedIndexes(
  indexes: Uint32Array,
  byteOrder: ByteOrder,
  symbolTable: number,
  strings: StringTableBuilder,
): PlannedSection {
  const contents = new Uint8Array(indexes.length * 4);
  const view = viewOf(contents);
  indexes.forEach((section, index) => {
    view.setUint32(index * 4, section, byteOrder === 'little');
  });
  return {
    name: '.symtab_shndx',
    nameOffset: addName(strings, '.symtab_shndx'),
    type: SHT_SYMTAB_SHNDX,
    flags: 0,
    link: symbolTable,
    info: 0,
    align: 4,
    entsize: 4,
    size: contents.length,
    contents,
  };
}

function planStrings(strings: StringTableBuilder): PlannedSection {
  const name = '.strtab';
  const nameOffset = addName(strings, name);
  const contents = strings.finish();
  const rest = { flags: 0, link: 0, info: 0, align: 1, entsize: 0, size: contents.length };
  return { name, nameOffset, type: SHT_STRTAB, contents, ...rest };
}
