/** The symbol table of an untrusted file, each symbol checked against the section that it claims to lie in. */

import { type CodeOf, quote, type RootletError } from '../diag/index.ts';
import {
  Elf64Sym,
  SHF_EXECINSTR,
  SHN_ABS,
  SHN_COMMON,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHN_XINDEX,
  SHT_NULL,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
  STB_GLOBAL,
  STB_LOCAL,
  STB_WEAK,
  STT_FILE,
  STT_FUNC,
  STT_NOTYPE,
  STT_SECTION,
  STV_DEFAULT,
  STV_HIDDEN,
} from './constants.ts';
import { type ElfInput, elfError, sectionPlace } from './header.ts';
import { type ElfSection, type ElfSymbol, isPassedOver } from './model.ts';
import { StringTable } from './string-table.ts';

const SYM_SIZE = Elf64Sym.size;
const TWO_32 = 0x100000000;

/** Index of the one symbol table. Throws `elf-no-symtab` or `elf-two-symtabs`. */
export function findSymbolTable(input: ElfInput, sections: readonly ElfSection[]): number {
  const index = sections.findIndex(section => section.type === SHT_SYMTAB);
  if (index < 0) {
    const hint = 'strip removes it; use llvm-strip -g to remove only DWARF';
    throw elfError(input, 'elf-no-symtab', null, 'has no symbol table', { hint });
  }
  const other = sections.findIndex((section, at) => at > index && section.type === SHT_SYMTAB);
  if (other < 0) return index;
  throw elfError(input, 'elf-two-symtabs', null, `has two symbol tables, sections ${index} and ${other}`);
}

/** All symbols in file order; [0] is the null symbol. */
export function readSymbols(input: ElfInput, sections: readonly ElfSection[], table: number): ElfSymbol[] {
  const section = sections[table];
  if (section === undefined) return [];
  checkEntries(input, section, SYM_SIZE);
  const reader = new SymbolReader(input, sections, section, table);
  const symbols: ElfSymbol[] = [];
  const count = section.size / SYM_SIZE;
  for (let index = 0; index < count; index++) {
    const symbol = reader.read(index);
    reader.check(symbol, index);
    symbols.push(symbol);
  }
  return symbols;
}

/** Throws unless the section is a table of records of exactly `entrySize` bytes. */
export function checkEntries(input: ElfInput, section: ElfSection, entrySize: number): void {
  if (section.entsize !== entrySize) {
    const message = `has entries of ${section.entsize} bytes instead of ${entrySize}`;
    throw elfError(input, 'elf-entry-size', sectionPlace(section), message);
  }
  if (section.size % entrySize === 0) return;
  const message = `size ${section.size} is not a multiple of its entry size ${entrySize}`;
  throw elfError(input, 'elf-entry-size', sectionPlace(section), message);
}

/** Reads fields straight from the bytes: symbol tables are the largest thing in an object. */
class SymbolReader {
  readonly #input: ElfInput;
  readonly #sections: readonly ElfSection[];
  readonly #table: ElfSection;
  readonly #names: StringTable;
  readonly #extended: ElfSection | undefined;
  readonly #little: boolean;
  /** Sections whose symbols are not checked against their size. */
  readonly #ignored: readonly boolean[];

  constructor(input: ElfInput, sections: readonly ElfSection[], table: ElfSection, index: number) {
    this.#input = input;
    this.#sections = sections;
    this.#table = table;
    this.#names = stringsOf(input, sections, table);
    this.#extended = extendedIndexes(input, sections, index, table.size / SYM_SIZE);
    this.#little = input.byteOrder === 'little';
    this.#ignored = sections.map(section => isPassedOver(input, section));
  }

  read(index: number): ElfSymbol {
    const view = this.#input.view;
    const little = this.#little;
    const at = this.#table.fileOffset + index * SYM_SIZE;
    const info = view.getUint8(at + 4);
    return {
      name: this.#names.at(view.getUint32(at, little), index),
      value: this.#u64(at + 8),
      size: this.#u64(at + 16),
      type: info & 0xf,
      binding: info >> 4,
      visibility: view.getUint8(at + 5) & 3,
      section: this.#sectionIndex(index, view.getUint16(at + 6, little)),
    };
  }

  /** A value above 2^53 comes out inexact; it is beyond the end of every section and refused for that. */
  #u64(at: number): number {
    const view = this.#input.view;
    const first = view.getUint32(at, this.#little);
    const second = view.getUint32(at + 4, this.#little);
    const [high, low] = this.#little ? [second, first] : [first, second];
    return high === 0 ? low : high * TWO_32 + low; // a product is kept as a float, in a box of its own
  }

  #sectionIndex(index: number, shndx: number): number {
    if (shndx < SHN_LORESERVE || shndx === SHN_ABS || shndx === SHN_COMMON) return shndx;
    if (shndx !== SHN_XINDEX) {
      throw this.#error('elf-symbol-section', index, '', `lies in reserved section 0x${shndx.toString(16)}`);
    }
    if (this.#extended === undefined) {
      const message = 'has an extended section index but the file has no table of them';
      throw this.#error('elf-symbol-section', index, '', message);
    }
    const resolved = this.#input.view.getUint32(this.#extended.fileOffset + index * 4, this.#little);
    if (resolved > 0 && resolved < this.#sections.length) return resolved;
    throw this.#error('elf-symbol-section', index, '', `lies in section ${resolved}, which does not exist`);
  }

  check(symbol: ElfSymbol, index: number): void {
    if (index === 0) this.#checkNull(symbol);
    else if (symbol.section === SHN_UNDEF) this.#checkUndefined(symbol, index);
    else this.#checkDefined(symbol, index);
  }

  #checkNull(symbol: ElfSymbol): void {
    const { value, size, type, binding, visibility, section, name } = symbol;
    if (value + size + type + binding + visibility + section === 0 && name === '') return;
    throw this.#error('elf-null-symbol', 0, '', 'is not the null symbol');
  }

  #checkUndefined(symbol: ElfSymbol, index: number): void {
    this.#checkKind(symbol, index);
    if (symbol.binding === STB_LOCAL) {
      throw this.#error('elf-symbol-undefined', index, symbol.name, 'is undefined but local');
    }
    if (symbol.type !== STT_NOTYPE || symbol.value !== 0 || symbol.size !== 0) {
      const message = `is undefined but has type ${symbol.type}, value ${symbol.value} and size ${symbol.size}`;
      throw this.#error('elf-symbol-undefined', index, symbol.name, message);
    }
  }

  #checkDefined(symbol: ElfSymbol, index: number): void {
    this.#checkKind(symbol, index);
    if (symbol.section === SHN_ABS || symbol.section === SHN_COMMON) {
      this.#checkReserved(symbol, index);
      return;
    }
    const section = this.#sections[symbol.section];
    if (section === undefined || section.type === SHT_NULL) {
      const message = `lies in section ${symbol.section}, which does not exist`;
      throw this.#error('elf-symbol-section', index, symbol.name, message);
    }
    if (symbol.type === STT_SECTION && (symbol.value !== 0 || symbol.binding !== STB_LOCAL)) {
      const message = `stands for ${sectionPlace(section)} but is not local or has value ${symbol.value}`;
      throw this.#error('elf-symbol-section', index, symbol.name, message);
    }
    if (this.#ignored[symbol.section] === true) return;
    if (symbol.value > section.size || symbol.size > section.size - symbol.value) {
      const message = `at ${symbol.value} with ${symbol.size} bytes goes beyond ${sectionPlace(section)} of ${section.size} bytes`;
      throw this.#error('elf-symbol-range', index, symbol.name, message);
    }
    if (symbol.type === STT_FUNC) this.#checkFunction(symbol, index, section);
  }

  #checkKind(symbol: ElfSymbol, index: number): void {
    if (symbol.type > STT_FILE) {
      const message = `has type ${symbol.type}, which BPF objects do not have`;
      throw this.#error('elf-symbol-type', index, symbol.name, message);
    }
    if (symbol.binding !== STB_LOCAL && symbol.binding !== STB_GLOBAL && symbol.binding !== STB_WEAK) {
      const message = `has binding ${symbol.binding} instead of local, global or weak`;
      throw this.#error('elf-symbol-binding', index, symbol.name, message);
    }
    if (symbol.visibility !== STV_DEFAULT && symbol.visibility !== STV_HIDDEN) {
      const visibility = symbol.visibility === 1 ? 'internal' : 'protected';
      const message = `has ${visibility} visibility instead of default or hidden`;
      throw this.#error('elf-symbol-visibility', index, symbol.name, message);
    }
    if (symbol.name === '' && symbol.binding !== STB_LOCAL) {
      throw this.#error('elf-symbol-name', index, '', 'is global but has no name');
    }
  }

  /** ABS values stand for themselves; a COMMON symbol's value is its alignment. */
  #checkReserved(symbol: ElfSymbol, index: number): void {
    if (!Number.isSafeInteger(symbol.value) || !Number.isSafeInteger(symbol.size)) {
      throw this.#error('elf-symbol-range', index, symbol.name, 'has a value or size of more than 53 bits');
    }
    if (symbol.section === SHN_ABS) return;
    const { value, size, binding } = symbol;
    if (
      binding !== STB_LOCAL &&
      size <= 0xffffffff &&
      value <= 4096 &&
      value > 0 &&
      (value & (value - 1)) === 0
    ) {
      return;
    }
    const message = `is a common symbol of ${size} bytes with alignment ${value}`;
    throw this.#error('elf-symbol-common', index, symbol.name, message);
  }

  #checkFunction(symbol: ElfSymbol, index: number, section: ElfSection): void {
    if ((section.flags & SHF_EXECINSTR) === 0) {
      const message = `is a function in ${sectionPlace(section)}, which is not code`;
      throw this.#error('elf-symbol-function', index, symbol.name, message);
    }
    if (symbol.size === 0) {
      const hint = 'C gives this when the whole body is undefined; assembly needs .size';
      throw this.#error(
        'elf-symbol-function',
        index,
        symbol.name,
        'is a function without instructions',
        hint,
      );
    }
    if (symbol.value % 8 === 0 && symbol.size % 8 === 0) return;
    const message = `is a function at ${symbol.value} of ${symbol.size} bytes, not whole 8-byte instructions`;
    throw this.#error('elf-symbol-function', index, symbol.name, message);
  }

  #error(code: CodeOf<'input'>, index: number, name: string, message: string, hint?: string): RootletError {
    const place = name === '' ? `symbol ${index}` : `symbol ${quote(name)}`;
    const offset = this.#table.fileOffset + index * SYM_SIZE;
    return elfError(this.#input, code, place, message, hint === undefined ? { offset } : { offset, hint });
  }
}

function stringsOf(input: ElfInput, sections: readonly ElfSection[], table: ElfSection): StringTable {
  const strings = sections[table.link];
  if (strings?.type === SHT_STRTAB)
    return new StringTable(strings.bytes, input.bytes.length, input.name, 'symbol');
  const target =
    strings === undefined ? `section ${table.link}, which does not exist` : sectionPlace(strings);
  const message = `takes its names from ${target}${strings === undefined ? '' : ', which is not a string table'}`;
  throw elfError(input, 'elf-section-link', sectionPlace(table), message);
}

function extendedIndexes(
  input: ElfInput,
  sections: readonly ElfSection[],
  table: number,
  count: number,
): ElfSection | undefined {
  const section = sections.find(candidate => candidate.type === SHT_SYMTAB_SHNDX);
  if (section === undefined) return undefined;
  checkEntries(input, section, 4);
  if (section.link === table && section.size === count * 4) return section;
  const message = `with link ${section.link} and ${section.size} bytes does not belong to the ${count} symbols of section ${table}`;
  throw elfError(input, 'elf-section-link', sectionPlace(section), message);
}
