/**
 * One memory with the bytes of inputs and columns of what is in them: no object for a symbol, a reference or a type.
 *
 * Kernels (`*.kernel.ts`) work on it; the rest of rootlet reads columns through this class and makes objects of
 * what it needs. `src/image/layout.ts` says what the columns are.
 */

import { decodeText, elementAt, encodeText, type FileSource, type InputFile } from '../bytes/index.ts';
import { type Limits, limitOf, requireLimits } from '../diag/index.ts';
import { fileTooLarge, kernelFailure, outside } from './failures.ts';
import { engineForKernels, formChoice, formRefused } from './form.ts';
import type { ImageMemory, Tenant } from './image-memory.ts';
import {
  HEADER,
  HEADER_WORDS,
  NAME,
  PLAIN_POSITION,
  PLAIN_VALUE,
  ROWS_IN_FILES,
  type Table,
  UNIT,
} from './layout.ts';
import { takeResident } from './resident-memory.ts';
import { ScriptMemory } from './script-memory.ts';
import * as tables from './tables.kernel.ts';

/** How much longer than it was a file may be, at first. */
const LEAST_MORE = 1 << 16;
/** Bytes after a file, with its alignment. */
const FILE_MARGIN = 64;

/** For more bytes of files no room is made before it is needed. */
const MOST_EXPECTED = 1 << 25;

/** The most parameters that an exported function of a kernel has. */
type Numbers = readonly [number, number, number, number, number, number, number, number];

/** Whose memory kernels work on: the number of an image, which does not keep it alive. */
let entered = 0;
let images = 0;

export class Image implements Tenant {
  readonly #number = ++images;
  /** Limits of what is read into it; without a value, those of the table. */
  readonly limits: Limits;
  readonly mostBytes: number;
  #words = new Int32Array(0);
  #bytes = new Uint8Array(0);
  #memory: ImageMemory;
  /** Functions of each kernel file, as they were given out. */
  readonly #given = new Map<object, object>();
  readonly #unitNames: string[] = [];
  /** What `intern` was asked for: mostly the same few names of sections, for every file. */
  readonly #interned = new Map<string, number>();

  /** Throws `usage-limits` for limits that there are none of. */
  constructor(limits: Limits = {}) {
    requireLimits(limits);
    this.limits = limits;
    this.mostBytes = limitOf(limits, 'memory');
    this.#memory = openMemory(this);
    entered = 0;
    this.#words[HEADER.top] = HEADER_WORDS * 4;
    this.#words[HEADER.mixPosition] = PLAIN_POSITION;
    this.#words[HEADER.mixValue] = PLAIN_VALUE;
    this.#words[HEADER.btfLimit] = limitOf(limits, 'btf');
    this.#words[HEADER.zerosLimit] = limitOf(limits, 'zeros');
  }

  /** The memory has another place from now on. */
  moved(buffer: ArrayBuffer): void {
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#words[HEADER.limit] = Math.min(buffer.byteLength, this.mostBytes);
  }

  /** The image has left its memory of WebAssembly. */
  placed(memory: ImageMemory): void {
    entered = 0;
    this.#memory = memory;
  }

  /** All memory as words; valid until a kernel runs or an image is made. */
  get words(): Int32Array {
    return this.#words;
  }

  /** All memory as bytes; valid until a kernel runs or an image is made. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** The functions of a kernel file, in the form that is in use. They work on this image, whatever else is used. */
  run<Kernels extends object>(kernels: Kernels): Kernels {
    const known = this.#given.get(kernels) ?? this.#give(kernels);
    return known as Kernels; // the same names, and each calls what has that name
  }

  #give(kernels: object): object {
    const functions = Object.fromEntries(
      Object.entries(kernels).map(([name, given]) => [
        name,
        typeof given === 'number' ? given : this.#guarded(kernels, name),
      ]),
    );
    this.#given.set(kernels, functions);
    return functions;
  }

  /** A function in the form that the image then has; what it throws is a problem. */
  #guarded(kernels: object, name: string): (...values: Numbers) => number {
    let memory = this.#memory;
    let target = memory.functions(kernels)[name];
    return (a, b, c, d, e, f, g, h) => {
      if (memory !== this.#memory) {
        memory = this.#memory;
        target = memory.functions(kernels)[name];
      }
      if (target === undefined) return outside();
      if (entered !== this.#number) {
        memory.enter();
        entered = this.#number;
      }
      try {
        return target(a, b, c, d, e, f, g, h);
      } catch (error) {
        throw this.#failed(error);
      }
    };
  }

  #failed(error: unknown): unknown {
    entered = 0;
    const failure = kernelFailure(error);
    if (failure !== error) this.#memory.release(false);
    return failure;
  }

  /**
   * Gives the memory back, for its owner has made everything of it. Nothing may be read or added afterwards; what
   * is not released is freed when nothing refers to the image.
   */
  release(): void {
    entered = 0;
    this.#memory.release(true);
    this.#memory = new ScriptMemory(this, new ArrayBuffer(0));
    this.#given.clear();
  }

  /** As `add`, for the contents of a file, which a refusal names. */
  addContents(name: string, contents: Uint8Array): number {
    const used = this.#words[HEADER.top] ?? outside();
    if (contents.length >= this.mostBytes - used - FILE_MARGIN)
      throw fileTooLarge(name, contents.length, used, this.mostBytes);
    return this.add(contents);
  }

  /**
   * It stays where it is for good: views of its memory are valid as long as it does not grow. Whether the memory has
   * pages of its own, in the place of which something else may be mapped.
   */
  keep(): boolean {
    return this.#memory.keep();
  }

  /** Copies bytes into the image; the address is aligned to 16, and at least one NUL follows. */
  add(contents: Uint8Array): number {
    const at = this.run(tables).alloc(contents.length + 1);
    this.#bytes.set(contents, at);
    return at;
  }

  /** The contents of a file, as `add` does; what can be read piece by piece is read into the image itself. */
  addFile(file: InputFile): { readonly at: number; readonly size: number } {
    if (file.open === undefined) return { at: this.add(file.bytes), size: file.bytes.length };
    const source = file.open();
    const used = this.#words[HEADER.top] ?? outside();
    if (source.size >= this.mostBytes - used - FILE_MARGIN) {
      source.close();
      throw fileTooLarge(file.name, source.size, used, this.mostBytes);
    }
    try {
      return this.#read(source);
    } finally {
      source.close();
    }
  }

  #read(source: FileSource): { readonly at: number; readonly size: number } {
    const { alloc, giveBack } = this.run(tables);
    // with room for a byte more than there should be, which shows the end, and for a NUL
    const at = alloc(source.size + 2);
    for (let size = 0; ; ) {
      // what is allocated follows what was allocated before
      const end = this.#words[HEADER.top] ?? outside();
      const count = source.read(this.#bytes.subarray(at + size, end - 1));
      size += count;
      if (at + size === end - 1) alloc(Math.max(size, LEAST_MORE));
      else if (count === 0) {
        giveBack((at + size + 16) & -16);
        return { at, size };
      }
    }
  }

  /** Takes back what was allocated from an address on. */
  giveBack(at: number): void {
    this.run(tables).giveBack(at);
  }

  /**
   * Makes room for what is in files of that many bytes, before any is scanned: a table that is full moves, and what it
   * leaves is memory that was used. Room that is not used takes none, where memory grows without being copied.
   */
  expect(bytes: number): void {
    if (!this.#memory.growsInPlace) return;
    const { reserveRows } = this.run(tables);
    for (const [table, each] of ROWS_IN_FILES)
      reserveRows(table.count, table.width, Math.floor(Math.min(bytes, MOST_EXPECTED) / each));
  }

  /** A new row of UNIT; `name` is what messages call it. */
  addUnit(name: string): number {
    const unit = this.addRows(UNIT, 1);
    this.#unitNames[unit] = name;
    return unit;
  }

  unitName(unit: number): string {
    return elementAt(this.#unitNames, unit);
  }

  /** New rows of a table; returns the first. */
  addRows(table: Table<never>, rows: number): number {
    return this.run(tables).addRows(table.count, table.width, rows);
  }

  /** Number of rows of a table, with row 0. */
  count(table: Table<never>): number {
    return this.#words[table.count] ?? outside();
  }

  /** The word of a row; `column` is a number of `layout.ts`, as `ATOM.name`. */
  get(column: number, row: number): number {
    return this.#words[(this.#words[column] ?? outside()) + row] ?? outside(row);
  }

  set(column: number, row: number, value: number): void {
    this.#words[(this.#words[column] ?? outside()) + row] = value;
  }

  /** NAME of a text. */
  intern(text: string): number {
    const known = this.#interned.get(text);
    if (known !== undefined) return known;
    const name = text === '' ? 0 : this.run(tables).intern(this.add(encodeText(text)));
    this.#interned.set(text, name);
    return name;
  }

  /** Text of a NAME; '' for 0. */
  nameText(name: number): string {
    return name === 0 ? '' : this.text(this.get(NAME.at, name), this.get(NAME.size, name));
  }

  /** The text of that many bytes at an address. */
  text(at: number, size: number): string {
    return decodeText(this.#bytes.subarray(at, at + size));
  }
}

/** Memory with nothing in it, compiled if it can be. */
function openMemory(tenant: Tenant): ImageMemory {
  const choice = formChoice();
  const engine = engineForKernels(choice);
  if (engine === null) return new ScriptMemory(tenant);
  try {
    return takeResident(engine, tenant);
  } catch (error) {
    if (choice === 'wasm') throw formRefused(error);
    return new ScriptMemory(tenant);
  }
}
