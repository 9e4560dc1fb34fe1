/** ELF objects and `ar` archives. */

export { type Archive, type ArchiveMember, parseArchive } from './archive.ts';
export { type FileIdentity, identify } from './identify.ts';
export {
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
  type ElfSymbol,
  isIgnoredSection,
} from './model.ts';
export { parseElf } from './parse.ts';
export { writeElf } from './write.ts';
export type { ElfOutput, ElfSectionOutput, ElfSymbolOutput } from './write-tables.ts';
