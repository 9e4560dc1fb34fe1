/** ELF objects and `ar` archives. */

export { type Archive, type ArchiveMember, parseArchive } from './archive.ts';
export {
  Elf64Ehdr,
  Elf64Rel,
  Elf64Shdr,
  MAX_ALIGN,
  MAX_SECTIONS,
  PF_X,
  PT_LOAD,
  R_BPF_64_32,
  R_BPF_64_64,
  R_BPF_64_ABS32,
  R_BPF_64_ABS64,
  SHF_ALLOC,
  SHF_COMPRESSED,
  SHF_EXECINSTR,
  SHF_MERGE,
  SHF_STRINGS,
  SHF_WRITE,
  SHN_ABS,
  SHN_COMMON,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHN_XINDEX,
  SHT_DYNAMIC,
  SHT_DYNSYM,
  SHT_FINI_ARRAY,
  SHT_HASH,
  SHT_INIT_ARRAY,
  SHT_NOBITS,
  SHT_NULL,
  SHT_PREINIT_ARRAY,
  SHT_PROGBITS,
  SHT_RELA,
  SHT_SYMTAB,
  STB_GLOBAL,
  STB_LOCAL,
  STB_WEAK,
  STT_FUNC,
  STT_GNU_IFUNC,
  STT_NOTYPE,
  STT_OBJECT,
  STT_SECTION,
  STV_DEFAULT,
  STV_HIDDEN,
  STV_INTERNAL,
} from './constants.ts';
export { ELF_FAULT } from './faults.ts';
export { REL, SHDR, SYM } from './fields.ts';
export { type FileIdentity, identify } from './identify.ts';
export {
  type ElfFile,
  type ElfGroup,
  type ElfRelocation,
  type ElfSection,
  type ElfSymbol,
  isIgnoredSection,
} from './model.ts';
export { parseElf } from './parse.ts';
export { wideNumber } from './wide.ts';
export { writeElf } from './write.ts';
export type { ElfOutput, ElfSectionOutput, ElfSymbolOutput } from './write-tables.ts';
