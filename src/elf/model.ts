/**
 * An ELF relocatable object as plain data: the result of `parseElf` and the input of `writeElf`.
 *
 * Nothing here depends on BTF or instructions. A parsed file keeps the section and symbol numbers of the
 * file, so that relocations and messages can use them.
 */

import type { ByteOrder } from '../bytes/index.ts';

/** A section with its contents. */
export interface ElfSection {
  readonly name: string;
  /** SHT_*. */
  readonly type: number;
  /** SHF_* bits, below 2^53. */
  readonly flags: number;
  /**
   * Index of the section that this one needs: the symbol table of relocations, the strings of a symbol table.
   */
  readonly link: number;
  /** For relocations the index of the section that they change. */
  readonly info: number;
  /** 0 (none requested) or a power of two up to 4096; unchecked in ignored sections. */
  readonly align: number;
  readonly entsize: number;
  /** Bytes in memory; for NOBITS this is more than `bytes.length`. */
  readonly size: number;
  /** Contents: a view of the input, empty for NOBITS. */
  readonly bytes: Uint8Array;
  readonly fileOffset: number;
}

/** An entry of the symbol table. */
export interface ElfSymbol {
  readonly name: string;
  /** Byte offset in its section; for SHN_COMMON the alignment. */
  readonly value: number;
  readonly size: number;
  /** STT_*: NOTYPE, OBJECT, FUNC, SECTION or FILE. */
  readonly type: number;
  /** STB_*: LOCAL, GLOBAL or WEAK. */
  readonly binding: number;
  /** STV_*: DEFAULT or HIDDEN. */
  readonly visibility: number;
  /** Index of its section, or SHN_UNDEF, SHN_ABS, SHN_COMMON. Extended indexes are resolved. */
  readonly section: number;
}

/** A REL record: the addend is in the bytes that it changes. */
export interface ElfRelocation {
  /** Bytes from the start of the section that is changed. */
  readonly offset: number;
  /** R_BPF_*. */
  readonly type: number;
  /** Index of the symbol. */
  readonly symbol: number;
}

/** Sections that are kept or dropped together (SHT_GROUP). */
export interface ElfGroup {
  /** Name of the symbol that identifies the group. */
  readonly signature: string;
  /** GRP_COMDAT: of several groups of one signature, a link keeps the first. */
  readonly comdat: boolean;
  /** Indexes of its sections. */
  readonly sections: readonly number[];
}

/** A BPF object as ELF has it: sections, symbols, relocations. */
export interface ElfFile {
  /** Name for messages, usually the file's. */
  readonly name: string;
  readonly byteOrder: ByteOrder;
  /** e_flags: the instruction set version. */
  readonly flags: number;
  /** In file order; [0] is the null section. */
  readonly sections: readonly ElfSection[];
  /** In file order; [0] is the null symbol. Empty names are left to section symbols and locals. */
  readonly symbols: readonly ElfSymbol[];
  /**
   * By the index of the section that they change, in file order. Without those of ignored sections and of
   * `.BTF` and `.BTF.ext`, whose values in place are already right.
   */
  readonly relocations: ReadonlyMap<number, readonly ElfRelocation[]>;
  readonly groups: readonly ElfGroup[];
}
