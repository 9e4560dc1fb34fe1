/** The ELF file that a unit becomes, once its atoms have places, its types are encoded and its symbols numbered. */

import { btfSize, extSize, putBtf, putExt } from '../../btf/binary/encode.kernel.ts';
import { beginStrings, putString } from '../../btf/merge/strings.kernel.ts';
import {
  SHF_INFO_LINK,
  SHN_LORESERVE,
  SHT_NOBITS,
  SHT_PROGBITS,
  SHT_REL,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
} from '../../elf/constants.ts';
import { SYM } from '../../elf/fields.ts';
import { addOutputSection, placeOutput, putHeaders } from '../../elf/write.kernel.ts';
import { NAME, OUTPUT, OUTPUT_SECTION, SHELL, UNIT } from '../../image/layout.ts';
import { copy, setByte, setWord, word } from '../../image/memory.ts';
import { alloc, allocSpare, fault, intern } from '../../image/tables.kernel.ts';
import { putContents } from './contents.kernel.ts';
import { WRITE_FAULT } from './faults.ts';
import { putSymbolNames, putSymbols } from './symbols.kernel.ts';

/** Words of what `buildFrame` gets: NAMEs of the sections that every file has. */
export const FRAME_NAME = { btf: 0, ext: 1, symbols: 2, indexes: 3, strings: 4 } as const;

/**
 * Adds all sections of the file and gives them their offsets. `strings`: a new row of UNIT for `.strtab`; `names`:
 * word index of the NAMEs of FRAME_NAME. Returns the bytes of the file; 0 with a fault.
 */
export function buildFrame(unit: number, output: number, strings: number, names: number): number {
  setWord(word(OUTPUT.strings) + output, strings);
  beginStrings(strings, 1024 + (word(word(OUTPUT.symbolCount) + output) << 4));
  addContents(unit, output);
  addTypes(output, names);
  addRelocations(unit, output);
  addTables(output, strings, names);
  const size = placeOutput(output);
  return size === 0 ? fault(WRITE_FAULT.fileSize, unit, 0, 0) : size;
}

function addContents(unit: number, output: number): number {
  const first = word(word(UNIT.shells) + unit);
  const end = first + word(word(UNIT.shellCount) + unit);
  for (let shell = first; shell < end; shell = shell + 1) {
    if (word(word(SHELL.position) + shell) === 0) continue;
    const section = addOutputSection(
      output,
      putString(word(word(SHELL.name) + shell)),
      word(word(SHELL.type) + shell),
      word(word(SHELL.flags) + shell),
      word(word(SHELL.placedAlign) + shell),
      word(word(SHELL.entsize) + shell),
      word(word(SHELL.size) + shell),
    );
    setWord(word(OUTPUT_SECTION.entsizeHigh) + section, word(word(SHELL.entsizeHigh) + shell));
    setWord(word(OUTPUT_SECTION.shell) + section, shell);
  }
  return end;
}

function addTypes(output: number, names: number): number {
  const types = word(word(OUTPUT.types) + output);
  if (types === 0) return 0;
  addOutputSection(output, putString(word(names + FRAME_NAME.btf)), SHT_PROGBITS, 0, 8, 0, btfSize(types));
  const size = extSize(types);
  if (size === 0) return 1;
  addOutputSection(output, putString(word(names + FRAME_NAME.ext)), SHT_PROGBITS, 0, 8, 0, size);
  return 2;
}

function addRelocations(unit: number, output: number): number {
  const first = word(word(UNIT.shells) + unit);
  const end = first + word(word(UNIT.shellCount) + unit);
  for (let shell = first; shell < end; shell = shell + 1) {
    const count = word(word(SHELL.relocationCount) + shell);
    if (count === 0) continue;
    const name = putString(relocationsName(word(word(SHELL.name) + shell)));
    const section = addOutputSection(output, name, SHT_REL, SHF_INFO_LINK, 8, 16, count << 4);
    setWord(word(OUTPUT_SECTION.info) + section, word(word(SHELL.position) + shell));
    setWord(word(OUTPUT_SECTION.shell) + section, shell);
  }
  return end;
}

/** NAME of the section with the relocations of the section with a NAME: `.rel` before it. */
function relocationsName(name: number): number {
  const size = word(word(NAME.size) + name);
  const at = alloc(size + 5);
  setByte(at, 0x2e);
  setByte(at + 1, 0x72);
  setByte(at + 2, 0x65);
  setByte(at + 3, 0x6c);
  if (size !== 0) copy(at + 4, word(word(NAME.at) + name), size);
  return intern(at);
}

/** `.symtab`, `.symtab_shndx` where numbers of sections need it, and `.strtab`; its names are put before. */
function addTables(output: number, strings: number, names: number): number {
  const symbols = word(OUTPUT.sectionCount) + output;
  const table = word(symbols);
  linkRelocations(output, table);
  const count = 1 + word(word(OUTPUT.shells) + output) + word(word(OUTPUT.symbolCount) + output);
  putSymbolNames(output);
  const name = putString(word(names + FRAME_NAME.symbols));
  const size = Math.imul(count, SYM.bytes);
  const section = addOutputSection(output, name, SHT_SYMTAB, 0, 8, SYM.bytes, size);
  setWord(word(OUTPUT_SECTION.info) + section, word(word(OUTPUT.localCount) + output) + 1);
  if (isExtended(output) === 1) {
    const indexes = putString(word(names + FRAME_NAME.indexes));
    const extended = addOutputSection(output, indexes, SHT_SYMTAB_SHNDX, 0, 4, 4, count << 2);
    setWord(word(OUTPUT_SECTION.link) + extended, table);
  }
  setWord(word(OUTPUT_SECTION.link) + section, word(symbols));
  const last = putString(word(names + FRAME_NAME.strings));
  return addOutputSection(output, last, SHT_STRTAB, 0, 1, 0, word(word(UNIT.stringSize) + strings));
}

function isExtended(output: number): number {
  return word(word(OUTPUT.shells) + output) >= SHN_LORESERVE ? 1 : 0;
}

function linkRelocations(output: number, table: number): number {
  const first = word(word(OUTPUT.sections) + output);
  for (let section = first; section < first + table; section = section + 1)
    if (word(word(OUTPUT_SECTION.type) + section) === SHT_REL)
      setWord(word(OUTPUT_SECTION.link) + section, table);
  return table;
}

// --- the file -----------------------------------------------------------------------------------------------------

/** Writes the whole file; `types` as `typeOf` takes it. Returns its address; 0 with a fault. */
export function putFile(unit: number, output: number, types: number): number {
  const at = allocSpare(word(word(OUTPUT.size) + output));
  setWord(word(OUTPUT.at) + output, at);
  if (putSections(unit, output, at, types) === 0) return 0;
  putTables(output, at);
  putHeaders(at, output);
  return at;
}

function addressOf(section: number, at: number): number {
  return at + word(word(OUTPUT_SECTION.offset) + section);
}

/** Contents of sections with their relocations, which are sections in the same order. */
function putSections(unit: number, output: number, at: number, types: number): number {
  const first = word(word(OUTPUT.sections) + output) + 1;
  const end = first + word(word(OUTPUT.shells) + output);
  let relocations = firstRelocations(output);
  for (let section = first; section < end; section = section + 1) {
    const shell = word(word(OUTPUT_SECTION.shell) + section);
    if (word(word(SHELL.type) + shell) === SHT_NOBITS) continue;
    const to = addressOf(section, at);
    if (putContents(unit, shell, to, addressOf(relocations, at), types) === 0) return 0;
    if (word(word(SHELL.relocationCount) + shell) !== 0) relocations = relocations + 1;
  }
  return 1;
}

/** Row of the first section after contents and types. */
function firstRelocations(output: number): number {
  const first = word(word(OUTPUT.sections) + output) + 1 + word(word(OUTPUT.shells) + output);
  const types = word(word(OUTPUT.types) + output);
  if (types === 0) return first;
  return extSize(types) === 0 ? first + 1 : first + 2;
}

function putTables(output: number, at: number): number {
  const order = word(word(OUTPUT.order) + output);
  const types = word(word(OUTPUT.types) + output);
  const first = word(word(OUTPUT.sections) + output);
  const last = first + word(word(OUTPUT.sectionCount) + output) - 1;
  const section = first + 1 + word(word(OUTPUT.shells) + output);
  if (types !== 0) putBtf(addressOf(section, at), types, order);
  if (types !== 0 && extSize(types) !== 0) putExt(addressOf(section + 1, at), types, order);
  const strings = word(word(OUTPUT.strings) + output);
  copy(addressOf(last, at), word(word(UNIT.strings) + strings), word(word(UNIT.stringSize) + strings));
  if (isExtended(output) === 0) return putSymbols(output, addressOf(last - 1, at), 0);
  return putSymbols(output, addressOf(last - 2, at), addressOf(last - 1, at));
}
