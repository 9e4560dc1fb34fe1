/**
 * Sections, symbols and relocations to a relocatable BPF object.
 *
 * Follows the gABI where libbpf's linker does not: locals are before globals and sh_info says how many they
 * are, so that GNU binutils read the result as well as libelf and LLVM do. File order: the caller's sections,
 * their relocations, `.symtab`, (`.symtab_shndx`,) one `.strtab` for all names, the section headers. Same
 * input, same bytes.
 */

import {
  alignUp,
  type ByteOrder,
  type Contents,
  elementAt,
  StringTableBuilder,
  viewOf,
} from '../bytes/index.ts';
import { bugError, inputError, quote } from '../diag/index.ts';
import {
  Elf64Ehdr,
  Elf64Rel,
  Elf64Shdr,
  Elf64Sym,
  EM_BPF,
  ET_REL,
  MAX_SECTIONS,
  SHF_INFO_LINK,
  SHN_LORESERVE,
  SHN_XINDEX,
  SHT_NOBITS,
  SHT_NULL,
  SHT_REL,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
} from './constants.ts';
import {
  addName,
  type ElfOutput,
  type ElfSectionOutput,
  encodeRelocations,
  encodeSymbols,
  extendedIndexes,
  type SymbolOrder,
  sortSymbols,
  symbolNames,
} from './write-tables.ts';

export type { ElfOutput, ElfSectionOutput, ElfSymbolOutput } from './write-tables.ts';

/**
 * The bytes of the object. Throws only for output that breaks its own promises (`bug-invariant`) or limits.
 */
export function writeElf(output: ElfOutput): Uint8Array {
  const order = sortSymbols(output.symbols);
  const sections = layOut(planSections(output, order));
  const headers = alignUp(sections.end, 8);
  const bytes = new Uint8Array(headers + sections.all.length * Elf64Shdr.size);
  const view = viewOf(bytes);
  for (const { contents, offset, size } of sections.all) {
    if (contents instanceof Uint8Array) bytes.set(contents, offset);
    else contents?.writeTo(bytes.subarray(offset, offset + size));
  }
  writeFileHeader(view, output, headers, sections.all.length);
  writeSectionHeaders(view, output.byteOrder, headers, sections.all);
  return bytes;
}

interface PlannedSection {
  readonly nameOffset: number;
  readonly type: number;
  readonly flags: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entsize: number;
  readonly size: number;
  readonly contents: Uint8Array | Contents | null;
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
  return { nameOffset, type, flags, link: 0, info: 0, align, entsize, size, contents: bytes };
}

function planRelocations(
  output: ElfOutput,
  target: number,
  order: SymbolOrder,
  symbolTable: number,
  strings: StringTableBuilder,
): PlannedSection {
  const name = elementAt(output.sections, target - 1).name;
  const relocations = output.relocations.get(target) ?? [];
  const size = relocations.length * Elf64Rel.size;
  return {
    nameOffset: addName(strings, `.rel${name}`),
    type: SHT_REL,
    flags: SHF_INFO_LINK,
    link: symbolTable,
    info: target,
    align: 8,
    entsize: Elf64Rel.size,
    size,
    contents: {
      length: size,
      writeTo: bytes => encodeRelocations(relocations, order, output.byteOrder, bytes),
    },
  };
}

function planSymbols(
  output: ElfOutput,
  order: SymbolOrder,
  stringTable: number,
  strings: StringTableBuilder,
): PlannedSection {
  const names = symbolNames(output, order, strings);
  const size = (output.symbols.length + 1) * Elf64Sym.size;
  return {
    nameOffset: addName(strings, '.symtab'),
    type: SHT_SYMTAB,
    flags: 0,
    link: stringTable,
    info: order.localCount + 1,
    align: 8,
    entsize: Elf64Sym.size,
    size,
    contents: { length: size, writeTo: bytes => encodeSymbols(output, order, names, bytes) },
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
  const nameOffset = addName(strings, '.strtab');
  const contents = strings.finish();
  const size = contents.length;
  return { nameOffset, type: SHT_STRTAB, flags: 0, link: 0, info: 0, align: 1, entsize: 0, size, contents };
}

type PlacedSection = PlannedSection & { readonly offset: number };

const NULL_SECTION: PlacedSection = {
  nameOffset: 0,
  type: SHT_NULL,
  flags: 0,
  link: 0,
  info: 0,
  align: 0,
  entsize: 0,
  size: 0,
  contents: null,
  offset: 0,
};

/** File offsets: multiples of 8, and of the section's own alignment, which libelf requires. */
function layOut(planned: readonly PlannedSection[]): { readonly all: PlacedSection[]; readonly end: number } {
  let end: number = Elf64Ehdr.size;
  const all = [NULL_SECTION];
  for (const section of planned) {
    const offset = alignUp(end, Math.max(section.align, 8));
    all.push({ ...section, offset });
    if (section.contents !== null) end = offset + section.size;
  }
  return { all, end };
}

function writeFileHeader(view: DataView, output: ElfOutput, headers: number, count: number): void {
  const little = output.byteOrder === 'little';
  const stringTable = count - 1;
  const header = {
    ei_mag: little ? 0x464c457f : 0x7f454c46,
    ei_class: 2,
    ei_data: little ? 1 : 2,
    ei_version: 1,
    ei_osabi: 0,
    ei_pad: 0n,
    e_type: ET_REL,
    e_machine: EM_BPF,
    e_version: 1,
    e_entry: 0n,
    e_phoff: 0n,
    e_shoff: BigInt(headers),
    e_flags: output.flags,
    e_ehsize: Elf64Ehdr.size,
    e_phentsize: 0,
    e_phnum: 0,
    e_shentsize: Elf64Shdr.size,
    e_shnum: count < SHN_LORESERVE ? count : 0,
    e_shstrndx: stringTable < SHN_LORESERVE ? stringTable : SHN_XINDEX,
  };
  Elf64Ehdr.encode(view, 0, header, output.byteOrder);
}

function writeSectionHeaders(
  view: DataView,
  byteOrder: ByteOrder,
  headers: number,
  sections: readonly PlacedSection[],
): void {
  const count = sections.length;
  sections.forEach((section, index) => {
    const extended = index === 0 && count >= SHN_LORESERVE;
    const header = {
      sh_name: section.nameOffset,
      sh_type: section.type,
      sh_flags: BigInt(section.flags),
      sh_addr: 0n,
      sh_offset: BigInt(section.offset),
      sh_size: BigInt(extended ? count : section.size),
      sh_link: index === 0 && count > SHN_LORESERVE ? count - 1 : section.link,
      sh_info: section.info,
      sh_addralign: BigInt(section.align),
      sh_entsize: BigInt(section.entsize),
    };
    Elf64Shdr.encode(view, headers + index * Elf64Shdr.size, header, byteOrder);
  });
}
