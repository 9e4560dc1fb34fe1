/** A small ELF object with one of everything, and a way to change single fields of it. */

import { type ByteOrder, viewOf } from '../../src/bytes/cursor.ts';
import {
  Elf64Ehdr,
  Elf64Rel,
  Elf64Shdr,
  Elf64Sym,
  R_BPF_64_32,
  R_BPF_64_64,
  R_BPF_64_ABS32,
  R_BPF_64_ABS64,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_MERGE,
  SHF_STRINGS,
  SHF_WRITE,
  SHN_ABS,
  SHN_COMMON,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_PROGBITS,
  STB_GLOBAL,
  STB_LOCAL,
  STB_WEAK,
  STT_FILE,
  STT_FUNC,
  STT_NOTYPE,
  STT_OBJECT,
  STT_SECTION,
  STV_DEFAULT,
  STV_HIDDEN,
} from '../../src/elf/constants.ts';
import { parseElf } from '../../src/elf/parse.ts';
import { writeElf } from '../../src/elf/write.ts';
import type { ElfOutput, ElfSectionOutput, ElfSymbolOutput } from '../../src/elf/write-tables.ts';

export function section(
  name: string,
  size: number,
  changes: Partial<ElfSectionOutput> = {},
): ElfSectionOutput {
  const bytes = Uint8Array.from({ length: size }, (_, index) => index % 251);
  const base = { name, type: SHT_PROGBITS, flags: SHF_ALLOC | SHF_WRITE, align: 8, entsize: 0, bytes, size };
  return { ...base, ...changes };
}

export function symbol(
  name: string,
  at: number,
  value: number,
  size: number,
  changes: Partial<ElfSymbolOutput> = {},
): ElfSymbolOutput {
  const base = {
    name,
    value,
    size,
    type: STT_OBJECT,
    binding: STB_GLOBAL,
    visibility: STV_DEFAULT,
    section: at,
  };
  return { ...base, ...changes };
}

const CODE = { flags: SHF_ALLOC | SHF_EXECINSTR };

/** Section numbers in the sample. */
export const SECTION = {
  text: 1,
  xdp: 2,
  data: 3,
  bss: 4,
  strings: 5,
  maps: 6,
  license: 7,
  btf: 8,
  debug: 9,
  relText: 10,
  relXdp: 11,
  relData: 12,
  relDebug: 13,
  symtab: 14,
  strtab: 15,
} as const;

/** Symbol numbers in the sample's symbol table. */
export const SYMBOL = {
  file: 1,
  textSection: 2,
  helper: 3,
  debugSection: 4,
  program: 5,
  weakFunction: 6,
  counter: 7,
  common: 8,
  zeros: 9,
  map: 10,
  license: 11,
  external: 12,
  label: 13,
} as const;

/** The sample before writing: locals first, so that symbol numbers stay. */
export function sampleOutput(byteOrder: ByteOrder): ElfOutput {
  return {
    byteOrder,
    flags: 4,
    sections: [
      section('.text', 64, CODE),
      section('xdp', 48, CODE),
      section('.data', 24, {}),
      section('.bss', 12, { type: SHT_NOBITS, bytes: null, align: 4 }),
      section('.rodata.str1.1', 6, { flags: SHF_ALLOC | SHF_MERGE | SHF_STRINGS, entsize: 1, align: 1 }),
      section('.maps', 32),
      section('license', 4, { bytes: Uint8Array.of(0x47, 0x50, 0x4c, 0), align: 1 }),
      section('.BTF', 28, { flags: 0, align: 4 }),
      section('.debug_info', 20, { flags: 0, align: 1 }),
    ],
    symbols: [
      symbol('a.c', SHN_ABS, 0, 0, { type: STT_FILE, binding: STB_LOCAL }),
      symbol('', 1, 0, 0, { type: STT_SECTION, binding: STB_LOCAL }),
      symbol('helper', 1, 0, 24, { type: STT_FUNC, binding: STB_LOCAL }),
      symbol('', 9, 0, 0, { type: STT_SECTION, binding: STB_LOCAL }),
      symbol('program', 2, 0, 48, { type: STT_FUNC }),
      symbol('weak_function', 1, 24, 40, { type: STT_FUNC, binding: STB_WEAK, visibility: STV_HIDDEN }),
      symbol('counter', 3, 8, 8),
      symbol('common', SHN_COMMON, 4, 16),
      symbol('zeros', 4, 4, 8),
      symbol('map', 6, 0, 32),
      symbol('_license', 7, 0, 4),
      symbol('external', SHN_UNDEF, 0, 0, { type: STT_NOTYPE }),
      symbol('label', 1, 64, 0, { type: STT_NOTYPE }),
    ],
    relocations: new Map([
      [1, [{ offset: 8, type: R_BPF_64_64, symbol: SYMBOL.counter }]],
      [
        2,
        [
          { offset: 0, type: R_BPF_64_32, symbol: SYMBOL.textSection },
          { offset: 16, type: R_BPF_64_32, symbol: SYMBOL.external },
          { offset: 24, type: R_BPF_64_64, symbol: SYMBOL.map },
        ],
      ],
      [
        3,
        [
          { offset: 8, type: R_BPF_64_ABS64, symbol: SYMBOL.weakFunction },
          { offset: 16, type: R_BPF_64_ABS32, symbol: SYMBOL.zeros },
        ],
      ],
      [9, [{ offset: 4, type: R_BPF_64_ABS32, symbol: SYMBOL.debugSection }]],
    ]),
  };
}

/** Bytes of an object, with named access to the fields of its records. */
export class ElfPatcher {
  bytes: Uint8Array;
  readonly order: ByteOrder;

  constructor(bytes: Uint8Array, order: ByteOrder) {
    this.bytes = bytes.slice();
    this.order = order;
  }

  static sample(order: ByteOrder): ElfPatcher {
    return new ElfPatcher(writeElf(sampleOutput(order)), order);
  }

  header(field: keyof typeof Elf64Ehdr.offsets, value: number | bigint): void {
    const view = viewOf(this.bytes);
    Elf64Ehdr.encode(view, 0, { ...Elf64Ehdr.decode(view, 0, this.order), [field]: value }, this.order);
  }

  sectionHeader(index: number, field: keyof typeof Elf64Shdr.offsets, value: number | bigint): void {
    const view = viewOf(this.bytes);
    const at = this.sectionHeaderAt(index);
    Elf64Shdr.encode(view, at, { ...Elf64Shdr.decode(view, at, this.order), [field]: value }, this.order);
  }

  symbol(index: number, field: keyof typeof Elf64Sym.offsets, value: number | bigint): void {
    const view = viewOf(this.bytes);
    const at = this.fileOffset(SECTION.symtab) + index * Elf64Sym.size;
    Elf64Sym.encode(view, at, { ...Elf64Sym.decode(view, at, this.order), [field]: value }, this.order);
  }

  relocation(section: number, index: number, field: keyof typeof Elf64Rel.offsets, value: bigint): void {
    const view = viewOf(this.bytes);
    const at = this.fileOffset(section) + index * Elf64Rel.size;
    Elf64Rel.encode(view, at, { ...Elf64Rel.decode(view, at, this.order), [field]: value }, this.order);
  }

  sectionHeaderAt(index: number): number {
    return Number(Elf64Ehdr.decode(viewOf(this.bytes), 0, this.order).e_shoff) + index * Elf64Shdr.size;
  }

  fileOffset(index: number): number {
    return Number(Elf64Shdr.decode(viewOf(this.bytes), this.sectionHeaderAt(index), this.order).sh_offset);
  }

  parse(): ReturnType<typeof parseElf> {
    return parseElf({ name: 'test.o', bytes: this.bytes });
  }
}
