/**
 * Symbols of objects out of columns: atoms with their bytes, references, lines and records.
 *
 * Bytes and lines of all symbols of an object share one array each: many small ones take several times the memory.
 */

import { type LineRecords, PackedLines } from '../../btf/index.ts';
import { cString } from '../../bytes/index.ts';
import { ATOM, type Image, RECORD, REFERENCE, UNIT } from '../../image/index.ts';
import { namesOf, stringsOf } from './from-columns.ts';
import type {
  BpfSymbol,
  CodeReference,
  CoreRecord,
  DataReference,
  FunctionSymbol,
  Origin,
  SymbolBase,
  VariableSymbol,
} from './model.ts';
import { extrasOf } from './unit-extras.ts';

/** All symbols of a unit. */
export function symbolsOf({
  image,
  unit,
}: {
  readonly image: Image;
  readonly unit: number;
}): readonly BpfSymbol[] {
  const maker = new SymbolMaker(image, unit);
  const { faultsOf } = extrasOf(image, unit);
  return maker.rows.map(row => {
    const symbol = maker.symbolAt(row);
    const faults = symbol.kind === 'function' ? faultsOf.get(row) : undefined;
    return faults === undefined ? symbol : withFaults(symbol, faults);
  });
}

function withFaults(symbol: BpfSymbol, faults: FunctionSymbol['faults']): BpfSymbol {
  return symbol.kind === 'function' && faults !== undefined ? { ...symbol, faults } : symbol;
}

const BINDINGS = ['local', 'global', 'weak'] as const;
const NONE: readonly never[] = [];
/** Words of a line record. */
const LINE_WORDS = 4;

class SymbolMaker {
  readonly #image: Image;
  readonly rows: readonly number[];
  readonly #first: number;
  readonly #shells: number;
  readonly #nameOf: (name: number) => string;
  readonly #bytes: Uint8Array;
  readonly #lines: Uint32Array;
  /** How much of these is used. */
  #bytesUsed = 0;
  #linesUsed = 0;
  readonly #strings = new Map<number, Uint8Array>();
  /** Bytes of atoms that have aliases. */
  readonly #shared = new Map<number, Uint8Array>();

  constructor(image: Image, unit: number) {
    this.#image = image;
    this.#first = image.get(UNIT.atoms, unit);
    this.#shells = image.get(UNIT.shells, unit);
    this.#nameOf = namesOf(image);
    this.rows = Array.from({ length: image.get(UNIT.atomCount, unit) }, (_, index) => this.#first + index);
    const sum = (column: number, counted: (row: number) => boolean): number =>
      this.rows.reduce((total, row) => total + (counted(row) ? image.get(column, row) : 0), 0);
    this.#bytes = new Uint8Array(sum(ATOM.size, row => image.get(ATOM.at, row) !== 0));
    this.#lines = new Uint32Array(sum(ATOM.lineCount, () => true) * LINE_WORDS);
  }

  symbolAt(row: number): BpfSymbol {
    switch (this.#image.get(ATOM.kind, row)) {
      case 0:
        return this.#functionAt(row);
      case 1:
        return this.#variableAt(row);
      case 2:
        return this.#mapAt(row);
      default: {
        const section = this.#image.get(ATOM.section, row);
        return { kind: 'extern', ...this.#base(row), section: section === 0 ? null : this.#nameOf(section) };
      }
    }
  }

  #base(row: number): SymbolBase & { readonly btfId: number } {
    const image = this.#image;
    return {
      name: this.#nameOf(image.get(ATOM.name, row)),
      binding: BINDINGS[image.get(ATOM.binding, row)] ?? 'local',
      visibility: image.get(ATOM.visibility, row) === 1 ? 'hidden' : 'default',
      btfId: image.get(ATOM.type, row),
    };
  }

  #placed(row: number): { readonly section: number; readonly origin: Origin } {
    const image = this.#image;
    const file = image.unitName(image.get(ATOM.source, row));
    const section = image.get(ATOM.shell, row) - this.#shells;
    return { section, origin: { file, offset: image.get(ATOM.offset, row) >>> 0 } };
  }

  #functionAt(row: number): FunctionSymbol {
    return {
      kind: 'function',
      ...this.#base(row),
      ...this.#placed(row),
      code: this.#bytesAt(row) ?? new Uint8Array(0),
      references: this.#codeReferences(row),
      lines: this.#linesAt(row),
      coreRecords: this.#records(row),
      ...this.#marks(row),
    };
  }

  #variableAt(row: number): VariableSymbol {
    const variable: VariableSymbol = {
      kind: 'variable',
      ...this.#base(row),
      ...this.#placed(row),
      ...this.#extent(row),
      bytes: this.#bytesAt(row),
      references: this.#dataReferences(row),
      ...this.#marks(row),
    };
    return this.#image.get(ATOM.common, row) === 0 ? variable : { ...variable, common: true };
  }

  #mapAt(row: number): BpfSymbol {
    return {
      kind: 'map',
      ...this.#base(row),
      ...this.#placed(row),
      ...this.#extent(row),
      bytes: this.#bytesAt(row) ?? new Uint8Array(this.#image.get(ATOM.size, row)),
      references: this.#dataReferences(row),
    };
  }

  #extent(row: number): { readonly size: number; readonly align: number } {
    return { size: this.#image.get(ATOM.size, row) >>> 0, align: this.#image.get(ATOM.align, row) };
  }

  #marks(row: number): { readonly comdat?: string; readonly aliasOf?: number } {
    const [comdat, owner] = [this.#image.get(ATOM.comdat, row), this.#image.get(ATOM.owner, row)];
    if (comdat === 0 && owner === 0) return NO_MARKS;
    return {
      ...(comdat === 0 ? {} : { comdat: this.#nameOf(comdat) }),
      ...(owner === 0 ? {} : { aliasOf: owner - this.#first }),
    };
  }

  /** An alias has the very bytes of its owner. */
  #bytesAt(row: number): Uint8Array | null {
    const image = this.#image;
    const [from, size] = [image.get(ATOM.at, row), image.get(ATOM.size, row)];
    if (from === 0) return null;
    const owner = image.get(ATOM.owner, row);
    const shared = owner === 0 || image.get(ATOM.at, owner) !== from ? undefined : this.#shared.get(owner);
    if (shared?.length === size) return shared;
    const bytes = this.#bytes.subarray(this.#bytesUsed, this.#bytesUsed + size);
    bytes.set(image.bytes.subarray(from, from + size));
    this.#bytesUsed += size;
    this.#shared.set(row, bytes);
    return bytes;
  }

  #codeReferences(row: number): readonly CodeReference[] {
    return this.#list(row, ATOM.references, ATOM.referenceCount, one => ({
      insnIndex: this.#image.get(REFERENCE.place, one),
      kind: this.#image.get(REFERENCE.kind, one) === 0 ? 'call' : 'address',
      symbol: this.#image.get(REFERENCE.atom, one) - this.#first,
      addend: this.#addendAt(one),
    }));
  }

  #dataReferences(row: number): readonly DataReference[] {
    return this.#list(row, ATOM.references, ATOM.referenceCount, one => {
      const kind = this.#image.get(REFERENCE.kind, one);
      return {
        kind: kind >= 4 ? 'code-offset' : 'address',
        offset: this.#image.get(REFERENCE.place, one) >>> 0,
        width: (kind & 1) === 0 ? 4 : 8,
        symbol: this.#image.get(REFERENCE.atom, one) - this.#first,
        addend: this.#addendAt(one),
      };
    });
  }

  #addendAt(reference: number): number {
    const image = this.#image;
    return image.get(REFERENCE.addend, reference) + image.get(REFERENCE.high, reference) * 2 ** 32;
  }

  #records(row: number): readonly CoreRecord[] {
    const strings = this.#stringsOf(this.#image.get(ATOM.source, row));
    return this.#list(row, ATOM.records, ATOM.recordCount, one => ({
      insnIndex: this.#image.get(RECORD.place, one),
      type: this.#image.get(RECORD.type, one),
      access: cString(strings, this.#image.get(RECORD.access, one), 'access'),
      kind: this.#image.get(RECORD.kind, one),
    }));
  }

  #linesAt(row: number): LineRecords {
    const image = this.#image;
    const count = image.get(ATOM.lineCount, row);
    if (count === 0) return NONE;
    const from = image.get(ATOM.lines, row);
    const first = this.#linesUsed;
    this.#lines.set(image.words.subarray(from, from + count * LINE_WORDS), first * LINE_WORDS);
    this.#linesUsed += count;
    const byteOffset = image.get(ATOM.lineBase, row);
    const range = { first, end: first + count, byteOffset };
    return new PackedLines(this.#lines, this.#stringsOf(image.get(ATOM.source, row)), range);
  }

  #stringsOf(unit: number): Uint8Array {
    const known = this.#strings.get(unit);
    if (known !== undefined) return known;
    const strings = stringsOf({ image: this.#image, unit });
    this.#strings.set(unit, strings);
    return strings;
  }

  /** What the rows of another table that an atom has become. */
  #list<T>(row: number, first: number, count: number, make: (row: number) => T): readonly T[] {
    const length = this.#image.get(count, row);
    if (length === 0) return NONE;
    const start = this.#image.get(first, row);
    return Array.from({ length }, (_, index) => make(start + index));
  }
}

const NO_MARKS = {};
