/**
 * The symbol table of an untrusted file: rows of SYMBOL, each checked against the section that it claims to be in.
 *
 * SYMBOL.value and size are the low words. They are all of it, except for absolute symbols and symbols of
 * ignored sections, whose values nothing checks.
 */

import { SECTION, SYMBOL, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { addRows, fault } from '../../image/tables.kernel.ts';
import {
  SHN_ABS,
  SHN_COMMON,
  SHN_LORESERVE,
  SHN_XINDEX,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
} from '../constants.ts';
import { ELF_FAULT } from '../faults.ts';
import { SYM } from '../fields.ts';
import { checkEntries } from './entries.kernel.ts';
import { nameAt, openStrings } from './strings.kernel.ts';
import { checkSymbol } from './symbol-rules.kernel.ts';

/** Inverse of 3 modulo 2^32: multiplying a multiple of 3 with it divides by 3. */
const THIRD = -0x55555555;

/** All symbols in file order; the null symbol first. Fills UNIT.symbolTable, symbols and symbolCount. */
export function readSymbols(unit: number): number {
  const table = findSymbolTable(unit);
  if (table === 0) return 0;
  setWord(word(UNIT.symbolTable) + unit, table);
  const size = checkEntries(unit, table, SYM.bytes);
  if (size < 0) return 0;
  const count = Math.imul(size >>> 3, THIRD);
  if (openNames(unit, table) === 0) return 0;
  const indexes = findIndexTable(unit, table, count);
  if (indexes < 0) return 0;
  const first = addRows(SYMBOL.count, SYMBOL.width, count);
  setWord(word(UNIT.symbols) + unit, first);
  setWord(word(UNIT.symbolCount) + unit, count);
  return readEntries(unit, word(word(SECTION.at) + table) >> 2, indexes >> 2);
}

/** Row of the one symbol table; 0 after a fault. */
function findSymbolTable(unit: number): number {
  const first = word(word(UNIT.sections) + unit);
  const end = first + word(word(UNIT.sectionCount) + unit);
  const table = findType(first, end, SHT_SYMTAB);
  if (table === 0) return fault(ELF_FAULT.noSymbolTable, unit, 0, 0);
  const other = findType(table + 1, end, SHT_SYMTAB);
  return other === 0 ? table : fault(ELF_FAULT.twoSymbolTables, unit, table - first, other - first);
}

/** First section of a type from a row on; 0: none. */
function findType(first: number, end: number, type: number): number {
  const types = word(SECTION.type);
  for (let row = first; row < end; row = row + 1) if (word(types + row) === type) return row;
  return 0;
}

function openNames(unit: number, table: number): number {
  const first = word(word(UNIT.sections) + unit);
  const link = word(word(SECTION.link) + table);
  const exists = link >= 0 && link < word(word(UNIT.sectionCount) + unit);
  if (!exists || word(word(SECTION.type) + first + link) !== SHT_STRTAB) {
    return fault(ELF_FAULT.symbolNames, unit, table - first, 0);
  }
  openStrings(first + link);
  return 1;
}

/** Address of the extended section indexes; 0: none; -1 after a fault. */
function findIndexTable(unit: number, table: number, count: number): number {
  const first = word(word(UNIT.sections) + unit);
  const row = findType(first, first + word(word(UNIT.sectionCount) + unit), SHT_SYMTAB_SHNDX);
  if (row === 0) return 0;
  const size = checkEntries(unit, row, 4);
  if (size < 0) return -1;
  const isOurs = word(word(SECTION.link) + row) === table - first && size >> 2 === count;
  return isOurs ? word(word(SECTION.at) + row) : fault(ELF_FAULT.indexTable, unit, row - first, 0) - 1;
}

/** Reads and checks the symbols at a word index. */
function readEntries(unit: number, table: number, indexes: number): number {
  const first = word(word(UNIT.symbols) + unit);
  const count = word(word(UNIT.symbolCount) + unit);
  for (let index = 0; index < count; index = index + 1) {
    const entry = table + Math.imul(index, SYM.words);
    const name = nameAt(unit, word(entry + SYM.name), index);
    if (name < 0) return 0;
    const section = sectionOf(unit, index, word(entry + SYM.info) >>> 16, indexes);
    if (section < 0) return 0;
    keepSymbol(first + index, entry, name, section);
    if (checkSymbol(unit, index, entry, name, section) === 0) return 0;
  }
  return 1;
}

/** Index of the section of a symbol, or a reserved one; -1 after a fault. */
function sectionOf(unit: number, index: number, section: number, indexes: number): number {
  if (section < SHN_LORESERVE || section === SHN_ABS || section === SHN_COMMON) return section;
  if (section !== SHN_XINDEX) return fault(ELF_FAULT.reservedSection, unit, index, section) - 1;
  if (indexes === 0) return fault(ELF_FAULT.noIndexTable, unit, index, 0) - 1;
  const extended = word(indexes + index);
  if (extended > 0 && extended < word(word(UNIT.sectionCount) + unit)) return extended;
  return fault(ELF_FAULT.indexedSection, unit, index, extended) - 1;
}

function keepSymbol(row: number, entry: number, name: number, section: number): number {
  const info = word(entry + SYM.info);
  setWord(word(SYMBOL.name) + row, name);
  setWord(word(SYMBOL.value) + row, word(entry + SYM.value));
  setWord(word(SYMBOL.size) + row, word(entry + SYM.size));
  setWord(word(SYMBOL.type) + row, info & 15);
  setWord(word(SYMBOL.binding) + row, (info >>> 4) & 15);
  setWord(word(SYMBOL.visibility) + row, (info >>> 8) & 3);
  setWord(word(SYMBOL.section) + row, section);
  return row;
}
