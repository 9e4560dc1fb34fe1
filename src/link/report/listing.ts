/**
 * What is in an object as lines of text, for those who print it: no object or string for a symbol.
 *
 * A line is made of pieces: addresses of texts in the image, texts that many symbols share, and numbers. A kernel
 * measures and writes them; where it refuses, the same pieces become cells of strings.
 */

import type { RawBtf } from '../../btf/index.ts';
import { linkedKey } from '../../btf/index.ts';
import { decodeText, elementAt, encodeText, noElement } from '../../bytes/index.ts';
import { type Image, UNIT } from '../../image/index.ts';
import * as tables from '../../image/tables.kernel.ts';
import type { BpfObject } from '../../object/index.ts';
import { aroundSymbol } from '../resolve/index.ts';
import type { SymbolReader } from './inspect-symbols.ts';
import * as kernels from './listing.kernel.ts';
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
  const { rows, overview, symbols } = survey;
  const writer = new PieceWriter(survey);
  const insns = { unit: ' insns', sizeOf: (row: number) => symbols.insnsOf(row) };
  const bytes = { unit: ' bytes', sizeOf: (row: number) => symbols.sizeOf(row) };
  const wordOn = (row: number): string => bindingText(symbols, row);
  const programs = writer.table(rows.programs, {
    ...insns,
    wordOn: row => symbols.programTypeOf(row) ?? 'unknown type',
  });
  const functions = writer.table(rows.functions, { ...insns, wordOn });
  const variables = writer.table(rows.variables, { ...bytes, wordOn });
  const externs = writer.table(rows.externs, null);
  const texts = writer.addTexts();
  const placed = (list: PieceRows): SymbolTable => new PlacedTable(survey.place.image, texts, list);
  return {
    overview,
    programs: placed(programs),
    functions: placed(functions),
    variables: placed(variables),
    externs: placed(externs),
  };
}

function bindingText(symbols: SymbolReader, row: number): string {
  const known = symbols.bindingOf(row);
  const binding = known === 'local' ? 'static' : known;
  return symbols.visibilityOf(row) === 'hidden' ? `${binding}, hidden` : binding;
}

const { LISTING, PIECE } = kernels;
/** Pieces: a cell of text, a number that begins a cell, and text after either. */
const [TEXT, COUNT, SUFFIX] = [PIECE.cell, PIECE.cell | PIECE.number, 0];
/** Those that all lines begin with: the declaration as what is before its name, the name and the rest; the section. */
const DECLARED: readonly number[] = [TEXT, SUFFIX, SUFFIX, TEXT];
/** Lines with a word on the symbol and its size. */
const SIZED: readonly number[] = [...DECLARED, TEXT, COUNT, SUFFIX];

/** What lines have after the section. */
interface Facts {
  /** A word on a symbol. */
  readonly wordOn: (row: number) => string;
  readonly sizeOf: (row: number) => number;
  readonly unit: string;
}

/** Rows of pieces, before they are in the image. */
interface PieceRows {
  readonly shape: readonly number[];
  readonly count: number;
  /** A block as the kernel takes it: room for `LISTING`, `shape`, widths, then rows. */
  readonly words: Int32Array;
}

/** Words before the rows of a block. */
function headWords(shape: readonly number[]): number {
  return WIDTHS_AFTER + shape.length + columnsOf(shape);
}

const WIDTHS_AFTER = Object.keys(LISTING).length;

function columnsOf(shape: readonly number[]): number {
  return shape.filter(piece => (piece & PIECE.cell) !== 0).length;
}

/** Makes rows of pieces; adds nothing to the image before `addTexts`. */
class PieceWriter {
  readonly #image: Image;
  readonly #symbols: SymbolReader;
  readonly #columns: SymbolReader['columns'];
  readonly #btf: RawBtf | null;
  /** Address of the strings that names of types are in. */
  readonly #strings: number;
  /** Texts that are not in the image, each ended by a NUL, and their pieces. */
  #texts = '';
  #textBytes = 0;
  readonly #pieces = new Map<string, number>();
  /** By kind of declaration. */
  readonly #around = new Map<number, KnownAround>();

  constructor({ place, btf, symbols }: Survey) {
    this.#image = place.image;
    this.#symbols = symbols;
    this.#columns = symbols.columns;
    this.#btf = btf;
    this.#strings = place.image.get(UNIT.strings, place.unit);
  }

  table(rows: readonly number[], facts: Facts | null): PieceRows {
    const shape = facts === null ? DECLARED : SIZED;
    const words = new Int32Array(headWords(shape) + rows.length * shape.length);
    words.set(shape, WIDTHS_AFTER);
    this.#declare(rows, words, shape);
    if (facts !== null) this.#describe(rows, words, facts);
    return { shape, count: rows.length, words };
  }

  #declare(rows: readonly number[], words: Int32Array, shape: readonly number[]): void {
    const { name, type, shell, section, nameAt, shellName } = this.#columns;
    let at = headWords(shape);
    for (const row of rows) {
      const id = this.#btf === null ? 0 : (type[row] ?? noElement(type, row));
      const around = this.#aroundOf(row, id);
      const place = shell[row] ?? noElement(shell, row);
      words[at] = around.before;
      if (around.after === null) words[at + 1] = this.#pieceOf('');
      else words[at + 1] = around.isTyped ? this.#typeName(id) : elementAt(nameAt, elementAt(name, row));
      words[at + 2] = around.after ?? this.#pieceOf('');
      const sectionName = (place === 0 ? section[row] : shellName[place]) ?? noElement(section, row);
      words[at + 3] = nameAt[sectionName] ?? noElement(nameAt, sectionName);
      at += shape.length;
    }
  }

  #describe(rows: readonly number[], words: Int32Array, { wordOn, sizeOf, unit }: Facts): void {
    const unitPiece = this.#pieceOf(unit);
    let at = headWords(SIZED) + DECLARED.length;
    for (const row of rows) {
      words[at] = this.#pieceOf(wordOn(row));
      words[at + 1] = sizeOf(row);
      words[at + 2] = unitPiece;
      at += SIZED.length;
    }
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

  #typeName(id: number): number {
    if (this.#btf === null) return this.#pieceOf('');
    const { words, start } = this.#btf;
    return this.#strings + (words[start[id] ?? noElement(start, id)] ?? noElement(words, id));
  }

  /** What is before and after the name: looked up where other symbols have the same. */
  #aroundOf(row: number, id: number): KnownAround {
    const { kind, binding } = this.#columns;
    const linked = id === 0 || this.#btf === null ? UNTYPED : linkedKey(this.#btf, id);
    if (linked === undefined) return this.#makeAround(row);
    const key = (linked * KINDS + elementAt(kind, row)) * KINDS + elementAt(binding, row);
    const known = this.#around.get(key);
    if (known !== undefined) return known;
    const made = this.#makeAround(row);
    this.#around.set(key, made);
    return made;
  }

  #makeAround(row: number): KnownAround {
    const { before, after, isTyped } = aroundSymbol(this.#btf, this.#symbols.declaredAt(row));
    return {
      before: this.#pieceOf(before),
      after: after === undefined ? null : this.#pieceOf(after),
      isTyped,
    };
  }
}

/** More than there are kinds of symbols, or bindings. */
const KINDS = 4;
/** In place of the key of a type. */
const UNTYPED = -1;

/** `AroundSymbol` as pieces. */
interface KnownAround {
  readonly before: number;
  /** Null where there is no name. */
  readonly after: number | null;
  readonly isTyped: boolean;
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
    const listing = this.#addBlock(indent);
    const { measureListing, lineRoom } = this.#image.run(kernels);
    if (measureListing(listing) === 0) return null;
    return this.#write(listing, Math.max(CHUNK, lineRoom(listing)));
  }

  #addBlock(indent: number): number {
    const { shape, count, words } = this.#rows;
    const block = this.#image.add(new Uint8Array(words.buffer)) >> 2;
    const all = this.#image.words;
    all[block + LISTING.rows] = block + headWords(shape);
    all[block + LISTING.count] = count;
    all[block + LISTING.shape] = block + WIDTHS_AFTER;
    all[block + LISTING.pieces] = shape.length;
    all[block + LISTING.widths] = block + WIDTHS_AFTER + shape.length;
    all[block + LISTING.columns] = columnsOf(shape);
    all[block + LISTING.texts] = this.#texts;
    all[block + LISTING.indent] = indent;
    return block;
  }

  *#write(listing: number, room: number): Iterable<string> {
    const image = this.#image;
    const to = image.run(tables).alloc(room);
    for (let row = 0; row < this.count; ) {
      row = image.run(kernels).writeListing(listing, row, to, room);
      yield decodeText(image.bytes.subarray(to, elementAt(image.words, listing + LISTING.end)));
    }
  }

  cells(): readonly (readonly string[])[] {
    const { shape, count, words } = this.#rows;
    const first = headWords(shape);
    return Array.from({ length: count }, (_, index) => this.#cellsAt(words, first + index * shape.length));
  }

  #cellsAt(words: Int32Array, row: number): readonly string[] {
    const cells: string[] = [];
    for (const [index, piece] of this.#rows.shape.entries()) {
      const value = elementAt(words, row + index);
      const text = (piece & PIECE.number) !== 0 ? String(value >>> 0) : this.#textAt(value);
      if ((piece & PIECE.cell) !== 0) cells.push(text);
      else cells.push(`${cells.pop() ?? ''}${text}`);
    }
    return cells;
  }

  #textAt(piece: number): string {
    const at = piece < 0 ? this.#texts - 1 - piece : piece;
    const { bytes } = this.#image;
    return decodeText(bytes.subarray(at, bytes.indexOf(0, at)));
  }
}
