/**
 * Rules for the sections that linking and loading will use.
 *
 * They are libbpf's sanity rules, and more: section types that could not be preserved are refused by name
 * with the reason, instead of being dropped.
 */

import { quote } from '../diag/index.ts';
import {
  SHF_COMPRESSED,
  SHF_EXECINSTR,
  SHF_TLS,
  SHT_DYNAMIC,
  SHT_DYNSYM,
  SHT_FINI_ARRAY,
  SHT_GROUP,
  SHT_HASH,
  SHT_INIT_ARRAY,
  SHT_NOBITS,
  SHT_NULL,
  SHT_PREINIT_ARRAY,
  SHT_PROGBITS,
  SHT_REL,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
} from './constants.ts';
import { type ElfInput, elfError, sectionError } from './header.ts';
import { type ElfSection, isPassedOver } from './model.ts';

const MAX_ALIGN = 4096;
/** BTF has sizes of sections in 32 bits, and no map is larger. */
const MAX_SIZE = 0xffffffff;

/** Throws at the first section that breaks a rule, in file order. */
export function checkSections(input: ElfInput, sections: readonly ElfSection[]): void {
  const names = new Map<string, number>();
  sections.forEach((section, index) => {
    if (section.type === SHT_NULL || isPassedOver(input, section)) return;
    checkType(input, section, index);
    if (section.type === SHT_STRTAB || section.type === SHT_GROUP) return; // many have one name
    checkShape(input, section, index);
    const earlier = names.get(section.name);
    if (earlier !== undefined) throw duplicateName(input, section.name, earlier, index);
    names.set(section.name, index);
  });
}

const KEPT_TYPES: ReadonlySet<number> = new Set([
  SHT_PROGBITS,
  SHT_NOBITS,
  SHT_REL,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
  SHT_GROUP,
]);

const REFUSED_TYPES: ReadonlyMap<number, readonly [what: string, hint: string]> = new Map([
  [
    SHT_RELA,
    ['relocations with addends (RELA)', 'BPF tools use REL, with addends in place; build with clang'],
  ],
  [SHT_INIT_ARRAY, ['constructors', 'nothing runs them in BPF']],
  [SHT_FINI_ARRAY, ['destructors', 'nothing runs them in BPF']],
  [SHT_PREINIT_ARRAY, ['constructors', 'nothing runs them in BPF']],
  [SHT_DYNAMIC, ['dynamic linking information', 'use the output of the compiler, not of another linker']],
  [SHT_DYNSYM, ['dynamic symbols', 'use the output of the compiler, not of another linker']],
  [SHT_HASH, ['a dynamic symbol hash table', 'use the output of the compiler, not of another linker']],
]);

function checkType(input: ElfInput, section: ElfSection, index: number): void {
  if (section.name === '' && section.type !== SHT_STRTAB) {
    throw elfError(input, 'elf-section-name', `section ${index}`, 'has no name');
  }
  if (section.name === '.BTF' || section.name === '.BTF.ext') {
    if (section.type !== SHT_PROGBITS) {
      throw sectionError(input, section, 'elf-section-type', `has type ${section.type} instead of PROGBITS`);
    }
  }
  if (KEPT_TYPES.has(section.type)) return;
  const refused = REFUSED_TYPES.get(section.type);
  if (refused === undefined) {
    const message = `has type 0x${section.type.toString(16)}, which BPF objects do not have`;
    throw sectionError(input, section, 'elf-section-type', message);
  }
  const [what, hint] = refused;
  throw sectionError(
    input,
    section,
    'elf-section-type',
    `holds ${what}, which BPF objects cannot have`,
    hint,
  );
}

function checkShape(input: ElfInput, section: ElfSection, index: number): void {
  if (section.flags & SHF_COMPRESSED) {
    throw sectionError(input, section, 'elf-section-compressed', 'is compressed', 'build without -gz');
  }
  if (section.flags & SHF_TLS) {
    throw sectionError(
      input,
      section,
      'elf-section-tls',
      'holds thread-local variables, which BPF does not have',
    );
  }
  if (!isAlignment(section.align)) {
    const message = `alignment ${section.align} of section ${index} is not a power of two up to ${MAX_ALIGN}`;
    throw sectionError(input, section, 'elf-section-align', message);
  }
  if (section.size > MAX_SIZE) {
    throw sectionError(input, section, 'elf-section-size', `size ${section.size} is beyond 32 bits`);
  }
  if ((section.flags & SHF_EXECINSTR) === 0) return;
  if (section.type !== SHT_PROGBITS) {
    throw sectionError(input, section, 'elf-code-section', 'is marked as code but has no contents');
  }
  if (section.size % 8 !== 0) {
    const message = `code of ${section.size} bytes is not a whole number of 8-byte instructions`;
    throw sectionError(input, section, 'elf-code-section', message);
  }
}

function isAlignment(align: number): boolean {
  return align >= 0 && align <= MAX_ALIGN && (align & (align - 1)) === 0;
}

function duplicateName(input: ElfInput, name: string, first: number, second: number): Error {
  const message = `sections ${first} and ${second} are both named ${quote(name)}`;
  const hint =
    'BTF knows sections by their names; give functions and variables of one section the same attributes';
  return elfError(input, 'elf-section-duplicate', null, message, { hint });
}
