/** Why a symbol table, or a symbol in it, is refused. */

import { quote, type RootletError } from '../diag/index.ts';
import { SECTION, SYMBOL } from '../image/index.ts';
import { STV_INTERNAL } from './constants.ts';
import { sectionError } from './explain-sections.ts';
import { ELF_FAULT } from './faults.ts';
import { SHDR, SYM } from './fields.ts';
import type { Explanations, Refused } from './refused.ts';

export const SYMBOL_EXPLANATIONS: Explanations = {
  [ELF_FAULT.entrySize]: refused => {
    const message = `has entries of ${refused.wide(refused.a, SHDR.entsize)} bytes instead of ${refused.b}`;
    return sectionError(refused, 'elf-entry-size', message);
  },
  [ELF_FAULT.entryMultiple]: refused => {
    const size = refused.section(SECTION.size, refused.a);
    const message = `size ${size} is not a multiple of its entry size ${refused.b}`;
    return sectionError(refused, 'elf-entry-size', message);
  },
  [ELF_FAULT.noSymbolTable]: refused =>
    refused.error('elf-no-symtab', null, 'has no symbol table', {
      hint: 'strip removes it; use llvm-strip -g to remove only DWARF',
    }),
  [ELF_FAULT.twoSymbolTables]: refused => {
    const message = `has two symbol tables, sections ${refused.a} and ${refused.b}`;
    return refused.error('elf-two-symtabs', null, message);
  },
  [ELF_FAULT.symbolNames]: symbolNames,
  [ELF_FAULT.indexTable]: indexTable,
  [ELF_FAULT.reservedSection]: refused =>
    unnamedError(refused, 'elf-symbol-section', `is in reserved section 0x${refused.b.toString(16)}`),
  [ELF_FAULT.noIndexTable]: refused =>
    unnamedError(
      refused,
      'elf-symbol-section',
      'has an extended section index but the file has no table of them',
    ),
  [ELF_FAULT.indexedSection]: refused =>
    unnamedError(refused, 'elf-symbol-section', `is in section ${refused.b >>> 0}, which does not exist`),
  [ELF_FAULT.nullSymbol]: refused => unnamedError(refused, 'elf-null-symbol', 'is not the null symbol'),
  [ELF_FAULT.undefinedLocal]: refused =>
    symbolError(refused, 'elf-symbol-undefined', 'is undefined but local'),
  [ELF_FAULT.undefinedTyped]: undefinedTyped,
  [ELF_FAULT.symbolType]: refused => {
    const message = `has type ${refused.symbol(SYMBOL.type, refused.a)}, which BPF objects do not have`;
    return symbolError(refused, 'elf-symbol-type', message);
  },
  [ELF_FAULT.symbolBinding]: refused => {
    const message = `has binding ${refused.symbol(SYMBOL.binding, refused.a)} instead of local, global or weak`;
    return symbolError(refused, 'elf-symbol-binding', message);
  },
  [ELF_FAULT.symbolVisibility]: symbolVisibility,
  [ELF_FAULT.symbolName]: refused => symbolError(refused, 'elf-symbol-name', 'is global but has no name'),
  [ELF_FAULT.symbolSection]: refused =>
    symbolError(refused, 'elf-symbol-section', `is in section ${refused.b}, which does not exist`),
  [ELF_FAULT.sectionSymbol]: sectionSymbol,
  [ELF_FAULT.symbolRange]: symbolRange,
  [ELF_FAULT.reservedRange]: refused =>
    symbolError(refused, 'elf-symbol-range', 'has a value or size of more than 53 bits'),
  [ELF_FAULT.commonSymbol]: refused => {
    const message = `is a common symbol of ${sizeOf(refused)} bytes with alignment ${startOf(refused)}`;
    return symbolError(refused, 'elf-symbol-common', message);
  },
  [ELF_FAULT.functionSection]: refused => {
    const message = `is a function in ${placeOf(refused)}, which is not code`;
    return symbolError(refused, 'elf-symbol-function', message);
  },
  [ELF_FAULT.functionEmpty]: refused => {
    const hint = 'compilers emit this if the whole body is undefined behavior; assembly needs .size';
    return symbolError(refused, 'elf-symbol-function', 'is a function without instructions', hint);
  },
  [ELF_FAULT.functionPlace]: refused => {
    const range = `at ${startOf(refused)} of ${sizeOf(refused)} bytes`;
    return symbolError(
      refused,
      'elf-symbol-function',
      `is a function ${range}, not whole 8-byte instructions`,
    );
  },
};

type SymbolCode = Parameters<Refused['error']>[0];

function symbolError(refused: Refused, code: SymbolCode, message: string, hint?: string): RootletError {
  const name = refused.symbolName(refused.a);
  const place = name === '' ? `symbol ${refused.a}` : `symbol ${quote(name)}`;
  return refused.error(code, place, message, { offset: offsetOf(refused), hint });
}

/** An error about a symbol whose name is not kept yet. */
function unnamedError(refused: Refused, code: SymbolCode, message: string): RootletError {
  return refused.error(code, `symbol ${refused.a}`, message, { offset: offsetOf(refused) });
}

function offsetOf(refused: Refused): number {
  return refused.section(SECTION.offset, refused.symbolTable) + refused.a * SYM.bytes;
}

function startOf(refused: Refused): number {
  return refused.tableNumber(refused.symbolTable, refused.a * SYM.words + SYM.value);
}

function sizeOf(refused: Refused): number {
  return refused.tableNumber(refused.symbolTable, refused.a * SYM.words + SYM.size);
}

/** The section of the symbol, which exists. */
function placeOf(refused: Refused): string {
  return refused.sectionPlace(refused.symbol(SYMBOL.section, refused.a));
}

function symbolNames(refused: Refused): RootletError {
  const link = refused.section(SECTION.link, refused.a);
  const target = refused.isSection(link)
    ? `${refused.sectionPlace(link)}, which is not a string table`
    : `section ${link}, which does not exist`;
  return sectionError(refused, 'elf-section-link', `takes its names from ${target}`);
}

function indexTable(refused: Refused): RootletError {
  const link = refused.section(SECTION.link, refused.a);
  const size = refused.section(SECTION.size, refused.a);
  const count = refused.section(SECTION.size, refused.symbolTable) / SYM.bytes;
  const message = `with link ${link} and ${size} bytes does not belong to the ${count} symbols of section ${refused.symbolTable}`;
  return sectionError(refused, 'elf-section-link', message);
}

function undefinedTyped(refused: Refused): RootletError {
  const type = refused.symbol(SYMBOL.type, refused.a);
  const message = `is undefined but has type ${type}, value ${startOf(refused)} and size ${sizeOf(refused)}`;
  return symbolError(refused, 'elf-symbol-undefined', message);
}

function symbolVisibility(refused: Refused): RootletError {
  const isInternal = refused.symbol(SYMBOL.visibility, refused.a) === STV_INTERNAL;
  const message = `has ${isInternal ? 'internal' : 'protected'} visibility instead of default or hidden`;
  return symbolError(refused, 'elf-symbol-visibility', message);
}

function sectionSymbol(refused: Refused): RootletError {
  const message = `is the symbol of ${placeOf(refused)} but is not local or has value ${startOf(refused)}`;
  return symbolError(refused, 'elf-symbol-section', message);
}

function symbolRange(refused: Refused): RootletError {
  const section = refused.symbol(SYMBOL.section, refused.a);
  const limit = `${refused.sectionPlace(section)} of ${refused.section(SECTION.size, section)} bytes`;
  const message = `at ${startOf(refused)} with ${sizeOf(refused)} bytes goes beyond ${limit}`;
  return symbolError(refused, 'elf-symbol-range', message);
}
