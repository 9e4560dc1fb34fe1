/**
 * Entry point `rootlet/elf`: ELF objects and archives as data: read, check, write. Works in a browser.
 *
 * @module rootlet/elf
 */

/** Constants of the ELF format: `SHT_…`, `SHF_…`, `STB_…`, `R_BPF_…` and others. */
export * as constants from '../elf/constants.ts';

export {
  type Archive,
  type ArchiveMember,
  type ElfFile,
  type ElfGroup,
  type ElfOutput,
  type ElfRelocation,
  type ElfSection,
  type ElfSectionOutput,
  type ElfSymbol,
  type ElfSymbolOutput,
  type FileIdentity,
  identify,
  parseArchive,
  parseElf,
  writeElf,
} from '../elf/index.ts';
