/** ELF objects and `ar` archives. */

export { type Archive, type ArchiveMember, parseArchive } from './archive.ts';
export {
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
  SHT_DYNSYM,
  SHT_NOBITS,
  SHT_PROGBITS,
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
} from './constants.ts';
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
export { writeElf } from './write.ts';
export type { ElfOutput, ElfSectionOutput, ElfSymbolOutput } from './write-tables.ts';
