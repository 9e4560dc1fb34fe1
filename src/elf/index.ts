/** ELF objects and `ar` archives. */

export { type Archive, type ArchiveMember, parseArchive } from './archive.ts';
export {
  MAX_SECTIONS,
  PF_X,
  PT_LOAD,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_MERGE,
  SHF_STRINGS,
  SHF_WRITE,
  SHN_UNDEF,
  SHT_DYNSYM,
  SHT_NOBITS,
  SHT_PROGBITS,
  SHT_SYMTAB,
  STB_LOCAL,
  STT_FILE,
  STT_FUNC,
  STT_GNU_IFUNC,
  STT_NOTYPE,
  STT_OBJECT,
  STT_SECTION,
} from './constants.ts';
export { type FileIdentity, identify } from './identify.ts';
export type { ElfFile, ElfGroup, ElfRelocation, ElfSection, ElfSymbol } from './model.ts';
export { parseElf } from './parse.ts';
export { type PlacedFile, scanElf } from './scan.ts';
export { highWord, numberOfWords } from './wide.ts';
export { writeElf } from './write.ts';
export type { ElfOutput, ElfSectionOutput, ElfSymbolOutput } from './write-tables.ts';
