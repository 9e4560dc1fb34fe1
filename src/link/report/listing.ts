/**
 * What is in an object as lines of text, for those who print it: no object or string for a symbol.
 *
 * A line is made of pieces: addresses of texts in the image, texts that many symbols share, and numbers. A kernel
 * measures and writes them; where it refuses, the same pieces become cells of strings.
 */

import type { RawBtf } from '../../btf/index.ts';
import { decodeText, elementAt, encodeText } from '../../bytes/index.ts';
import { ATOM, type Image, NAME, UNIT } from '../../image/index.ts';
import * as tables from '../../image/tables.kernel.ts';
import type { Binding, BpfObject, Visibility } from '../../object/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import { aroundSymbol } from '../resolve/index.ts';
import { BINDINGS, declaredAt, VISIBILITIES } from './inspect-symbols.ts';
import * as kernels from './listing.kernel.ts';
import * as rowKernels from './listing-rows.kernel.ts';
import { type Overview, type Survey, surveyOf } from './survey.ts';

/** What is in an object: as an inspection has it, but symbols as lines. */
export interface ObjectListing {
  readonly overview: Overview;
  readonly programs: SymbolTable;
  readonly functions: SymbolTable;
  readonly variables: SymbolTable;
  readonly externs: SymbolTable;
}

/** Symbols as rows of a table. */
export interface SymbolTable {
  readonly count: number;
  /** Lines after `indent` spaces, in pieces of text; null where names need escapes, or count differently. */
  lines(indent: number): Iterable<string> | null;
  /** All cells, for those who lay out the lines themselves. */
  cells(): readonly (readonly string[])[];
}

/** Throws what `inspect` throws. */
export function listObject(object: BpfObject): ObjectListing {
  const survey = surveyOf(object);
  const { rows, overview } = survey;
  const maker = new RowMaker(survey);
  const insns = { unit: ' insns', shift: Math.log2(INSN_SIZE) };
  const programs = maker.table(rows.programs, { ...insns, words: 'sections' });
  const functions = maker.table(rows.functions, { ...insns, words: 'bindings' });
  const variables = maker.table(rows.variables, { unit: ' bytes', shift: 0, words: 'bindings' });
  const externs = maker.table(rows.externs, null);
  const texts = maker.addTexts();
  const placed = (list: PieceRows): SymbolTable => new PlacedTable(survey.place.image, texts, list);
  return {
    overview,
    programs: placed(programs),
    functions: placed(functions),
    variables: placed(variables),
    externs: placed(externs),
  };
}

const { LISTING, PIECE } = kernels;
const { ROWS } = rowKernels;
/** Pieces: a cell of text, a number that begins a cell, and text after either. */
const [TEXT, COUNT, SUFFIX] = [PIECE.cell, PIECE.cell | PIECE.number, 0];
/** Those that all lines begin with: the declaration as what is before its name, the name and the rest; the section. */
const DECLARED: readonly number[] = [TEXT, SUFFIX, SUFFIX, TEXT];
/** Lines with a word on the symbol and its size. */
const DESCRIBED: readonly number[] = [...DECLARED, TEXT, COUNT, SUFFIX];

/** What lines have after the section. */
interface Facts {
  /** The word on a symbol: the type of programs, by section; or binding and visibility. */
  readonly words: 'sections' | 'bindings';
  /** Sizes are in units of 2^shift bytes. */
  readonly shift: number;
  readonly unit: string;
}

/** Rows of pieces in the image. */
interface PieceRows {
  readonly shape: readonly number[];
  readonly count: number;
  /** Word index of what the kernel takes: room for `LISTING`, the shape, widths, then rows. */
  readonly block: number;
}

/** Words before the rows of a block. */
function headWords(shape: readonly number[]): number {
  return SHAPE_AT + shape.length + columnsOf(shape);
}

const SHAPE_AT = Object.keys(LISTING).length;

function columnsOf(shape: readonly number[]): number {
  return shape.filter(piece => (piece & PIECE.cell) !== 0).length;
}

/** Makes rows of pieces in the image. */
class RowMaker {
  readonly #image: Image;
  readonly #unit: number;
  readonly #btf: RawBtf | null;
  readonly #words: Readonly<Record<Facts['words'], readonly string[]>>;
  readonly #records: number;
  /** Texts that are not in the image, each ended by a NUL, and their pieces. */
  #texts = '';
  #textBytes = 0;
  readonly #pieces = new Map<string, number>();

  constructor({ place, btf, symbols }: Survey) {
    this.#image = place.image;
    this.#unit = place.unit;
    this.#btf = btf;
    this.#words = {
      sections: symbols.programTypes.map(type => type ?? 'unknown type'),
      bindings: BINDINGS.flatMap(binding => VISIBILITIES.map(visible => bindingText(binding, visible))),
    };
    this.#records = this.#image.run(rowKernels).newRecords(this.#unit);
  }

  /** Rows of the symbols of a list, in their order. */
  table(list: readonly number[], facts: Facts | null): PieceRows {
    const shape = facts === null ? DECLARED : DESCRIBED;
    const { declareRows, describeRows } = this.#image.run(rowKernels);
    const { alloc } = this.#image.run(tables);
    const block = alloc((headWords(shape) + list.length * shape.length) * 4) >> 2;
    this.#image.words.set(shape, block + SHAPE_AT);
    const rows = this.#addRequest(block + headWords(shape), shape.length, list, facts);
    for (let done = declareRows(rows, 0); done < list.length; ) {
      done = declareRows(rows, this.#declare(rows, done, elementAt(list, done)));
    }
    describeRows(rows);
    return { shape, count: list.length, block };
  }

  /** Word index of `ROWS`. */
  #addRequest(to: number, pieces: number, list: readonly number[], facts: Facts | null): number {
    const words =
      facts === null ? 0 : this.#addWords(this.#words[facts.words].map(text => this.#pieceOf(text)));
    const unitText = facts === null ? 0 : this.#pieceOf(facts.unit);
    const listAt = this.#addWords(list);
    const rows = this.#image.run(tables).alloc(Object.keys(ROWS).length * 4) >> 2;
    const all = this.#image.words;
    all[rows + ROWS.unit] = this.#unit;
    all[rows + ROWS.list] = listAt;
    all[rows + ROWS.count] = list.length;
    all[rows + ROWS.to] = to;
    all[rows + ROWS.pieces] = pieces;
    all[rows + ROWS.records] = this.#records;
    all[rows + ROWS.words] = words;
    all[rows + ROWS.bySection] = facts?.words === 'sections' ? 1 : 0;
    all[rows + ROWS.shift] = facts === null ? 0 : facts.shift;
    all[rows + ROWS.unitText] = unitText;
    return rows;
  }

  #addWords(values: readonly number[]): number {
    return this.#image.add(new Uint8Array(Int32Array.from(values).buffer)) >> 2;
  }

  /** The declaration of a symbol that has no record yet: as a record, or its own. Returns where to go on. */
  #declare(rows: number, index: number, row: number): number {
    const image = this.#image;
    const { before, after, isTyped } = aroundSymbol(this.#btf, declaredAt(image, row));
    const slot = elementAt(image.words, rows + ROWS.slot);
    const [left, right] = [this.#pieceOf(before), this.#pieceOf(after ?? '')];
    if (slot !== 0 && after !== undefined) {
      const record = this.#addWords([left, right]);
      image.words[slot] = record;
      return index;
    }
    const name = after === undefined ? this.#pieceOf('') : this.#nameOf(row, isTyped);
    const to = elementAt(image.words, rows + ROWS.to) + index * elementAt(image.words, rows + ROWS.pieces);
    image.words.set([left, name, right], to);
    return index + 1;
  }

  #nameOf(row: number, isTyped: boolean): number {
    const image = this.#image;
    if (!isTyped || this.#btf === null) return image.get(NAME.at, image.get(ATOM.name, row));
    const { words, start } = this.#btf;
    const offset = elementAt(words, elementAt(start, image.get(ATOM.type, row)));
    return image.get(UNIT.strings, this.#unit) + offset;
  }

  #pieceOf(text: string): number {
    const known = this.#pieces.get(text);
    if (known !== undefined) return known;
    const piece = -1 - this.#textBytes;
    this.#pieces.set(text, piece);
    this.#texts += `${text}\0`;
    this.#textBytes += encodeText(text).length + 1;
    return piece;
  }

  /** Puts all texts into the image; returns their address. */
  addTexts(): number {
    return this.#image.add(encodeText(this.#texts));
  }
}

function bindingText(known: Binding, visibility: Visibility): string {
  const binding = known === 'local' ? 'static' : known;
  return visibility === 'hidden' ? `${binding}, hidden` : binding;
}

/** Bytes of lines that are written at once. */
const CHUNK = 1 << 16;

class PlacedTable implements SymbolTable {
  readonly #image: Image;
  readonly #texts: number;
  readonly #rows: PieceRows;

  constructor(image: Image, texts: number, rows: PieceRows) {
    this.#image = image;
    this.#texts = texts;
    this.#rows = rows;
  }

  get count(): number {
    return this.#rows.count;
  }

  lines(indent: number): Iterable<string> | null {
    this.#complete(indent);
    const { measureListing, lineRoom } = this.#image.run(kernels);
    const { block } = this.#rows;
    if (measureListing(block) === 0) return null;
    return this.#write(Math.max(CHUNK, lineRoom(block)));
  }

  #complete(indent: number): void {
    const { shape, count, block } = this.#rows;
    const all = this.#image.words;
    all[block + LISTING.rows] = block + headWords(shape);
    all[block + LISTING.count] = count;
    all[block + LISTING.shape] = block + SHAPE_AT;
    all[block + LISTING.pieces] = shape.length;
    all[block + LISTING.widths] = block + SHAPE_AT + shape.length;
    all[block + LISTING.columns] = columnsOf(shape);
    all[block + LISTING.texts] = this.#texts;
    all[block + LISTING.indent] = indent;
  }

  *#write(room: number): Iterable<string> {
    const image = this.#image;
    const { block } = this.#rows;
    const to = image.run(tables).alloc(room);
    for (let row = 0; row < this.count; ) {
      row = image.run(kernels).writeListing(block, row, to, room);
      yield decodeText(image.bytes.subarray(to, elementAt(image.words, block + LISTING.end)));
    }
  }

  cells(): readonly (readonly string[])[] {
    const { shape, count, block } = this.#rows;
    const first = block + headWords(shape);
    return Array.from({ length: count }, (_, index) => this.#cellsAt(first + index * shape.length));
  }

  #cellsAt(row: number): readonly string[] {
    const cells: string[] = [];
    let cell = '';
    for (const [index, piece] of this.#rows.shape.entries()) {
      if (index > 0 && (piece & PIECE.cell) !== 0) {
        cells.push(cell);
        cell = '';
      }
      const value = elementAt(this.#image.words, row + index);
      cell += (piece & PIECE.number) !== 0 ? String(value >>> 0) : this.#textAt(value);
    }
    return [...cells, cell];
  }

  #textAt(piece: number): string {
    const at = piece < 0 ? this.#texts - 1 - piece : piece;
    const { bytes } = this.#image;
    return decodeText(bytes.subarray(at, bytes.indexOf(0, at)));
  }
}
