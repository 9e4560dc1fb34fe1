/**
 * Any `BpfObject` as a unit of an image: objects that passes edited, or that were built in memory, go through the
 * same kernels as files.
 */

import { importTypes, toRaw } from '../../btf/index.ts';
import { bugError, inputError, quote } from '../../diag/index.ts';
import { highWord } from '../../elf/index.ts';
import {
  ATOM,
  ATOM_BINDING,
  type Image,
  RECORD,
  REFERENCE,
  REFERENCE_KIND,
  SHELL,
  SHELL_ROLE,
  TYPE,
  UNIT,
} from '../../image/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  type CodeReference,
  type CoreRecord,
  comdatOf,
  type DataReference,
  type DefinedSymbol,
  type SectionShell,
  sizeOfSymbol,
  symbolOf,
} from '../model/index.ts';
import { ImportedBytes, ImportedLines, Sources } from './import-contents.ts';
import { importPlaces } from './import-places.ts';
import type { ImportedStrings } from './import-strings.ts';

const VISIBILITIES = { default: 0, hidden: 1 } as const;

const TWO_32 = 2 ** 32;

/**
 * A new unit of `image` with what is in `object`: row of UNIT. Notes and faults of the object are not in columns.
 * Throws `elf-name` for a name that cannot be in a file, `object-symbol-size` for more than 31 bits, `bug-index` for indexes that the object does not have.
 */
export function importObject(image: Image, object: BpfObject): number {
  const unit = image.addUnit(object.name);
  image.set(UNIT.order, unit, object.byteOrder === 'little' ? 0 : 1);
  image.set(UNIT.flags, unit, object.flags);
  const raw = object.btf === null ? null : toRaw(object.btf);
  if (raw === null) image.set(UNIT.types, unit, image.addRows(TYPE, 1));
  else importTypes(image, unit, raw);
  importPlaces(image, unit, object);
  const names = new Names(image);
  importShells(image, unit, object.sections, names);
  const sources = new Sources(image, unit, object.name, raw === null ? new Uint8Array(0) : raw.strings);
  new AtomImport(image, unit, object, names, sources).run();
  sources.finish();
  return unit;
}

/** NAME of each text, looked up once. */
class Names {
  readonly #image: Image;
  readonly #known = new Map<string, number>([['', 0]]);

  constructor(image: Image) {
    this.#image = image;
  }

  of(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (text.includes('\0')) {
      throw inputError('elf-name', [], `the name ${quote(text)} cannot be written: it contains a NUL`);
    }
    const name = this.#image.intern(text);
    this.#known.set(text, name);
    return name;
  }
}

function importShells(image: Image, unit: number, shells: readonly SectionShell[], names: Names): void {
  const first = image.get(UNIT.shells, unit);
  shells.forEach((shell, index) => {
    const row = first + index;
    image.set(SHELL.name, row, names.of(shell.name));
    image.set(SHELL.type, row, shell.type);
    image.set(SHELL.flags, row, shell.flags);
    image.set(SHELL.entsize, row, shell.entsize);
    image.set(SHELL.entsizeHigh, row, highWord(shell.entsize));
    image.set(SHELL.role, row, SHELL_ROLE[shell.role]);
  });
}

/** Symbols with what they refer to. Rows are added at once; contents, lines and strings are collected first. */
class AtomImport {
  readonly #image: Image;
  readonly #unit: number;
  readonly #object: BpfObject;
  readonly #names: Names;
  readonly #sources: Sources;
  readonly #atoms: number;
  readonly #lines = new ImportedLines();
  readonly #bytes = new ImportedBytes();
  #reference: number;
  #record: number;

  constructor(image: Image, unit: number, object: BpfObject, names: Names, sources: Sources) {
    this.#image = image;
    this.#unit = unit;
    this.#object = object;
    this.#names = names;
    this.#sources = sources;
    const { symbols } = object;
    this.#atoms = image.get(UNIT.atoms, unit);
    const references = symbols.reduce((sum, symbol) => sum + referencesOf(symbol).length, 0);
    const records = symbols.reduce((sum, symbol) => sum + recordsOf(symbol).length, 0);
    this.#reference = image.addRows(REFERENCE, references);
    this.#record = image.addRows(RECORD, records);
  }

  run(): void {
    const { symbols } = this.#object;
    symbols.forEach((symbol, index) => {
      this.#symbol(symbol, this.#atoms + index);
    });
    this.#contents();
  }

  #set(column: number, row: number, value: number): void {
    this.#image.set(column, row, value);
  }

  #symbol(symbol: BpfSymbol, row: number): void {
    this.#set(ATOM.unit, row, this.#unit);
    this.#set(ATOM.name, row, this.#names.of(symbol.name));
    this.#set(ATOM.binding, row, ATOM_BINDING[symbol.binding]);
    this.#set(ATOM.visibility, row, VISIBILITIES[symbol.visibility]);
    this.#set(ATOM.type, row, symbol.btfId);
    if (symbol.kind === 'extern') {
      this.#set(ATOM.section, row, symbol.section === null ? 0 : this.#names.of(symbol.section));
      this.#set(ATOM.source, row, this.#unit);
      return;
    }
    this.#definition(symbol, row);
    this.#references(symbol, row);
  }

  #definition(symbol: DefinedSymbol, row: number): void {
    this.#set(ATOM.offset, row, symbol.origin.offset);
    this.#set(ATOM.comdat, row, this.#names.of(comdatOf(symbol) ?? ''));
    const source = this.#sources.of(symbol.origin.file);
    this.#set(ATOM.source, row, source.unit);
    this.#addBytes(symbol);
    if (symbol.kind !== 'function') return;
    this.#set(ATOM.lines, row, this.#lines.add(symbol.lines, source.strings));
    this.#set(ATOM.lineCount, row, symbol.lines.length);
    this.#set(ATOM.lineBase, row, ImportedLines.baseOf(symbol.lines));
    this.#set(ATOM.records, row, this.#record);
    this.#set(ATOM.recordCount, row, symbol.coreRecords.length);
    for (const record of symbol.coreRecords) this.#addRecord(record, source.strings);
  }

  #addBytes(symbol: DefinedSymbol): void {
    const [bytes, size] = [contentsOf(symbol), sizeOfSymbol(symbol)];
    if (bytes === null) return;
    if (bytes.length !== size)
      throw bugError([`symbol ${quote(symbol.name)}`], `has ${bytes.length} bytes for size ${size}`);
    this.#bytes.add(bytes);
  }

  #addRecord({ insnIndex, type, access, kind }: CoreRecord, strings: ImportedStrings): void {
    const row = this.#record++;
    this.#set(RECORD.place, row, insnIndex);
    this.#set(RECORD.type, row, type);
    this.#set(RECORD.access, row, strings.add(access));
    this.#set(RECORD.kind, row, kind);
  }

  #references(symbol: DefinedSymbol, row: number): void {
    this.#set(ATOM.references, row, this.#reference);
    this.#set(ATOM.referenceCount, row, symbol.references.length);
    for (const reference of symbol.references) {
      const row = this.#reference++;
      symbolOf(this.#object, reference.symbol);
      this.#set(REFERENCE.atom, row, this.#atoms + reference.symbol);
      this.#set(REFERENCE.addend, row, reference.addend | 0);
      this.#set(REFERENCE.high, row, (reference.addend - (reference.addend | 0)) / TWO_32);
      this.#set(REFERENCE.place, row, 'insnIndex' in reference ? reference.insnIndex : reference.offset);
      this.#set(REFERENCE.kind, row, referenceKind(reference));
    }
  }

  /** Addresses, once everything is in the image. */
  #contents(): void {
    const lines = this.#lines.addTo(this.#image);
    const addressOf = this.#bytes.addTo(this.#image);
    this.#object.symbols.forEach((symbol, index) => {
      const row = this.#atoms + index;
      const bytes = contentsOf(symbol);
      if (bytes !== null) this.#set(ATOM.at, row, addressOf(bytes));
      if (symbol.kind === 'function') this.#set(ATOM.lines, row, lines + this.#image.get(ATOM.lines, row));
    });
  }
}

/** As the columns of REFERENCE have it. */
function referenceKind(reference: CodeReference | DataReference): number {
  if ('insnIndex' in reference) return REFERENCE_KIND[reference.kind];
  if (reference.kind === 'code-offset')
    return reference.width === 8 ? REFERENCE_KIND.codeWide : REFERENCE_KIND.code;
  return reference.width === 8 ? REFERENCE_KIND.dataWide : REFERENCE_KIND.data;
}

function referencesOf(symbol: BpfSymbol): readonly (CodeReference | DataReference)[] {
  return symbol.kind === 'extern' ? [] : symbol.references;
}

function recordsOf(symbol: BpfSymbol): readonly CoreRecord[] {
  return symbol.kind === 'function' ? symbol.coreRecords : [];
}

function contentsOf(symbol: BpfSymbol): Uint8Array | null {
  if (symbol.kind === 'extern') return null;
  return symbol.kind === 'function' ? symbol.code : symbol.bytes;
}
