/**
 * Untrusted bytes to `ElfFile`.
 *
 * Checks everything that can be checked without knowing instructions or BTF, so that the object reader can
 * index freely. The first violation is thrown, always the same one for the same bytes. Accepts what clang 14
 * to 22, GCC, bpftool (whose symbol tables are unsorted with sh_info 0), llvm-strip and this project write.
 */

import { type InputFile, requireFile } from '../bytes/index.ts';
import { checkSections } from './check.ts';
import { readGroups } from './groups.ts';
import { openElf, readHeader, readSections } from './header.ts';
import type { ElfFile } from './model.ts';
import { readRelocations } from './relocations.ts';
import { findSymbolTable, readSymbols } from './symbols.ts';

/**
 * Parses a 64-bit relocatable BPF object of either byte order. Section contents are views of its bytes, which
 * must not change afterwards. Its name is first in every message. Throws `RootletError` with a code
 * `elf-...`. `keepDebug`: check and decode the relocations of DWARF (`.debug_*`) too; default false.
 */
export function parseElf(file: InputFile, options: { readonly keepDebug?: boolean } = {}): ElfFile {
  requireFile('parseElf: file', file);
  const { name, bytes } = file;
  const input = openElf(bytes, name, options.keepDebug ?? false);
  const header = readHeader(input);
  const sections = readSections(input, header);
  checkSections(input, sections);
  const symbolTable = findSymbolTable(input, sections);
  const symbols = readSymbols(input, sections, symbolTable);
  const relocations = readRelocations(input, sections, symbolTable, symbols.length);
  const groups = readGroups(input, sections, symbols);
  return { name, byteOrder: input.byteOrder, flags: header.flags, sections, symbols, relocations, groups };
}
