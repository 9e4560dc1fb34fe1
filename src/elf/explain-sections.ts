/** Why section headers, names of sections, or sections are refused. */

import { limitOf, quote, type RootletError, raiseHint } from '../diag/index.ts';
import { SECTION, UNIT } from '../image/index.ts';
import {
  MAX_ALIGN,
  SHN_XINDEX,
  SHT_DYNAMIC,
  SHT_DYNSYM,
  SHT_FINI_ARRAY,
  SHT_HASH,
  SHT_INIT_ARRAY,
  SHT_NOBITS,
  SHT_PREINIT_ARRAY,
  SHT_RELA,
} from './constants.ts';
import { ELF_FAULT } from './faults.ts';
import { SHDR } from './fields.ts';
import type { Explanations, Refused } from './refused.ts';

export const SECTION_EXPLANATIONS: Explanations = {
  [ELF_FAULT.fieldTooLarge]: fieldTooLarge,
  [ELF_FAULT.sectionOutside]: sectionOutside,
  [ELF_FAULT.overlap]: overlap,
  [ELF_FAULT.noNameTable]: refused =>
    refused.error('elf-section-names', null, `section name table ${refused.a >>> 0} does not exist`),
  [ELF_FAULT.nameTableType]: nameTableType,
  [ELF_FAULT.nameOffset]: nameOffset,
  [ELF_FAULT.nameUnterminated]: refused =>
    nameError(
      refused,
      'elf-string-unterminated',
      `name at offset ${refused.b} of its string table has no terminating NUL`,
    ),
  [ELF_FAULT.nameBudget]: nameBudget,
  [ELF_FAULT.nameEncoding]: refused =>
    nameError(
      refused,
      'elf-string-encoding',
      `name at offset ${refused.b} of its string table is not valid UTF-8`,
    ),
  [ELF_FAULT.sectionName]: refused =>
    refused.error('elf-section-name', `section ${refused.a}`, 'has no name'),
  [ELF_FAULT.typeSection]: refused =>
    sectionError(refused, 'elf-section-type', `has type ${typeOf(refused)} instead of PROGBITS`),
  [ELF_FAULT.sectionType]: sectionType,
  [ELF_FAULT.compressed]: refused =>
    sectionError(refused, 'elf-section-compressed', 'is compressed', 'build without -gz'),
  [ELF_FAULT.threadLocal]: refused =>
    sectionError(refused, 'elf-section-tls', 'holds thread-local variables, which BPF does not have'),
  [ELF_FAULT.sectionAlign]: sectionAlign,
  [ELF_FAULT.sectionSize]: refused =>
    sectionError(refused, 'elf-section-size', `size ${refused.sectionSize(refused.a)} is beyond 32 bits`),
  [ELF_FAULT.codeContents]: refused =>
    sectionError(refused, 'elf-code-section', 'is marked as code but has no contents'),
  [ELF_FAULT.codeSize]: codeSize,
  [ELF_FAULT.duplicateName]: duplicateName,
};

type SectionCode = Parameters<Refused['error']>[0];

/** An error about the section of the fault. */
export function sectionError(
  refused: Refused,
  code: SectionCode,
  message: string,
  hint?: string,
): RootletError {
  return refused.error(code, refused.sectionPlace(refused.a), message, { hint });
}

// --- headers ------------------------------------------------------------------------------------------------------

const WIDE_FIELDS: ReadonlyMap<number, string> = new Map([
  [SHDR.size, 'size'],
  [SHDR.offset, 'file offset'],
  [SHDR.flags, 'flags'],
  [SHDR.align, 'alignment'],
  [SHDR.entsize, 'entry size'],
]);

function fieldTooLarge(refused: Refused): RootletError {
  const { a: index, b: field } = refused;
  const message = `${WIDE_FIELDS.get(field)} 0x${refused.wide(index, field).toString(16)} is out of range`;
  const offset = refused.headerOffset(index, field);
  return refused.error('elf-number-too-large', `section ${index}`, message, { offset });
}

function sectionOutside(refused: Refused): RootletError {
  const index = refused.a;
  const place = `${refused.wide(index, SHDR.size)} bytes at ${refused.wide(index, SHDR.offset)}`;
  const message = `${place} are outside the file of ${refused.size} bytes`;
  const offset = refused.headerOffset(index, 0);
  return refused.error('elf-truncated', `section ${index}`, message, { offset });
}

function overlap(refused: Refused): RootletError {
  let total = 0;
  for (let index = 0; index < refused.sectionCount; index++) {
    if (refused.section(SECTION.type, index) !== SHT_NOBITS) total += refused.sectionSize(index);
  }
  const message = `sections overlap: their sizes add up to ${total} bytes in a file of ${refused.size}`;
  return refused.error('elf-sections-overlap', null, message);
}

function nameTableType(refused: Refused): RootletError {
  const message = `section name table ${refused.a} is not a string table (type ${typeOf(refused)})`;
  return refused.error('elf-section-names', null, message);
}

// --- names --------------------------------------------------------------------------------------------------------

/** Names of symbols are read when the symbol table is known, names of sections before. */
function isOfSymbol(refused: Refused): boolean {
  return refused.image.get(UNIT.symbolTable, refused.unit) !== 0;
}

function nameError(refused: Refused, code: SectionCode, message: string, hint?: string): RootletError {
  return refused.error(code, `${isOfSymbol(refused) ? 'symbol' : 'section'} ${refused.a}`, message, { hint });
}

function nameBudget(refused: Refused): RootletError {
  const limit = limitOf(refused.image.limits, 'names');
  const message = `names overlap so much that they outgrow the file ${limit} times`;
  return nameError(refused, 'elf-string-budget', message, raiseHint('names', limit));
}

function nameOffset(refused: Refused): RootletError {
  const size = refused.section(
    SECTION.size,
    isOfSymbol(refused) ? symbolNames(refused) : sectionNames(refused),
  );
  const message = `name at offset ${refused.b >>> 0} is outside its string table of ${size} bytes`;
  return nameError(refused, 'elf-string-offset', message);
}

function symbolNames(refused: Refused): number {
  return refused.section(SECTION.link, refused.symbolTable);
}

function sectionNames(refused: Refused): number {
  const { e_shstrndx } = refused.header;
  return e_shstrndx === SHN_XINDEX ? refused.section(SECTION.link, 0) : e_shstrndx;
}

// --- rules --------------------------------------------------------------------------------------------------------

function typeOf(refused: Refused): number {
  return refused.section(SECTION.type, refused.a);
}

const LINKED = 'use the output of the compiler, not of another linker';

/** Types with a meaning that BPF objects cannot have. */
const REFUSED_TYPES: ReadonlyMap<number, readonly [what: string, hint: string]> = new Map([
  [
    SHT_RELA,
    ['relocations with addends (RELA)', 'BPF tools use REL, with addends in place; build with clang'],
  ],
  [SHT_INIT_ARRAY, ['constructors', 'nothing runs them in BPF']],
  [SHT_FINI_ARRAY, ['destructors', 'nothing runs them in BPF']],
  [SHT_PREINIT_ARRAY, ['constructors', 'nothing runs them in BPF']],
  [SHT_DYNAMIC, ['dynamic linking information', LINKED]],
  [SHT_DYNSYM, ['dynamic symbols', LINKED]],
  [SHT_HASH, ['a dynamic symbol hash table', LINKED]],
]);

function sectionType(refused: Refused): RootletError {
  const known = REFUSED_TYPES.get(typeOf(refused));
  if (known === undefined) {
    const message = `has type 0x${typeOf(refused).toString(16)}, which BPF objects do not have`;
    return sectionError(refused, 'elf-section-type', message);
  }
  const [what, hint] = known;
  return sectionError(refused, 'elf-section-type', `holds ${what}, which BPF objects cannot have`, hint);
}

function sectionAlign(refused: Refused): RootletError {
  const align = refused.wide(refused.a, SHDR.align);
  const message = `alignment ${align} of section ${refused.a} is not a power of two up to ${MAX_ALIGN}`;
  return sectionError(refused, 'elf-section-align', message);
}

function codeSize(refused: Refused): RootletError {
  const size = refused.section(SECTION.size, refused.a);
  const message = `code of ${size} bytes is not a whole number of 8-byte instructions`;
  return sectionError(refused, 'elf-code-section', message);
}

function duplicateName(refused: Refused): RootletError {
  const name = quote(refused.sectionName(refused.a));
  const message = `sections ${refused.b} and ${refused.a} are both named ${name}`;
  const hint =
    'BTF knows sections by their names; give functions and variables of one section the same attributes';
  return refused.error('elf-section-duplicate', null, message, { hint });
}
