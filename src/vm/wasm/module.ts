/**
 * A WebAssembly module being written: types, imports, functions, one table, globals and exports, in the
 * section order that the binary format requires.
 */

import { ByteWriter, encodeText } from '../../bytes/index.ts';
import { bugError } from '../../diag/index.ts';
import { type CodeBuilder, writeSigned, writeUnsigned } from './code.ts';
import { END, I32, I32_CONST, type ValueType } from './opcodes.ts';

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

interface DefinedFunction {
  readonly type: number;
  readonly locals: readonly ValueType[];
  readonly code: CodeBuilder;
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const SECTION = { type: 1, import: 2, function: 3, table: 4, global: 6, export: 7, element: 9, code: 10 };
const KIND = { function: 0, table: 1, memory: 2, global: 3 };
const FUNCREF = 0x70;

export class ModuleBuilder {
  readonly #types: FunctionType[] = [];
  readonly #typeIndex = new Map<string, number>();
  readonly #imports: { readonly module: string; readonly name: string; readonly type: number }[] = [];
  readonly #importIndex = new Map<string, number>();
  readonly #functions: (DefinedFunction | null)[] = [];
  readonly #globals: number[] = [];
  readonly #exports: { readonly name: string; readonly kind: number; readonly index: number }[] = [];
  #table: readonly number[] = [];
  #pages = 0;

  /** Index of a function type, adding it at first sight. */
  type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}>${results.join()}`;
    const known = this.#typeIndex.get(key);
    if (known !== undefined) return known;
    this.#typeIndex.set(key, this.#types.length);
    return this.#types.push({ params, results }) - 1;
  }

  /** The memory, imported as `env.memory`, of exactly this many pages. */
  importMemory(pages: number): void {
    this.#pages = pages;
  }

  /** Index of an import, adding it at first sight. */
  importFunction(module: string, name: string, type: number): number {
    const key = `${module}\0${name}`;
    const known = this.#importIndex.get(key);
    if (known !== undefined) return known;
    this.#importIndex.set(key, this.#imports.length);
    return this.#imports.push({ module, name, type }) - 1;
  }

  /**
   * Adds a function; returns its position among the defined ones, by which calls, exports and the table name
   * it.
   */
  define(type: number, locals: readonly ValueType[], code: CodeBuilder): number {
    return this.#functions.push({ type, locals, code }) - 1;
  }

  /** Reserves a position, so that functions can call each other before they are written. */
  declare(): number {
    return this.#functions.push(null) - 1;
  }

  /** Gives a declared position its function. */
  fill(position: number, type: number, locals: readonly ValueType[], code: CodeBuilder): void {
    this.#functions[position] = { type, locals, code };
  }

  /** A mutable i32 global. */
  global(initial: number): number {
    return this.#globals.push(initial) - 1;
  }

  /** Positions of the functions in table 0. */
  setTable(functions: readonly number[]): void {
    this.#table = functions;
  }

  exportFunction(name: string, position: number): void {
    this.#exports.push({ name, kind: KIND.function, index: position });
  }

  exportGlobal(name: string, index: number): void {
    this.#exports.push({ name, kind: KIND.global, index });
  }

  finish(): Uint8Array {
    const out = new ByteWriter('little', 65536);
    for (const byte of MAGIC) out.u8(byte);
    this.#section(out, SECTION.type, body => this.#writeTypes(body));
    this.#section(out, SECTION.import, body => this.#writeImports(body));
    this.#section(out, SECTION.function, body => {
      const functions = this.#filled();
      writeUnsigned(body, functions.length);
      for (const { type } of functions) writeUnsigned(body, type);
    });
    this.#section(out, SECTION.table, body => {
      writeUnsigned(body, 1);
      body.u8(FUNCREF);
      body.u8(0);
      writeUnsigned(body, this.#table.length);
    });
    this.#section(out, SECTION.global, body => this.#writeGlobals(body));
    this.#section(out, SECTION.export, body => this.#writeExports(body));
    if (this.#table.length > 0) this.#section(out, SECTION.element, body => this.#writeElements(body));
    this.#section(out, SECTION.code, body => this.#writeCode(body));
    return out.finish();
  }

  #filled(): DefinedFunction[] {
    return this.#functions.map((defined, position) => {
      if (defined !== null) return defined;
      throw bugError([], `WebAssembly function ${position} is declared and has no body`);
    });
  }

  #section(out: ByteWriter, id: number, write: (body: ByteWriter) => void): void {
    const body = new ByteWriter('little', 1024);
    write(body);
    out.u8(id);
    writeUnsigned(out, body.length);
    out.bytes(body.finish());
  }

  #writeTypes(body: ByteWriter): void {
    writeUnsigned(body, this.#types.length);
    for (const { params, results } of this.#types) {
      body.u8(0x60);
      writeVector(body, params);
      writeVector(body, results);
    }
  }

  #writeImports(body: ByteWriter): void {
    writeUnsigned(body, this.#imports.length + 1);
    writeName(body, 'env');
    writeName(body, 'memory');
    body.u8(KIND.memory);
    body.u8(1); // with a maximum
    writeUnsigned(body, this.#pages);
    writeUnsigned(body, this.#pages);
    for (const { module, name, type } of this.#imports) {
      writeName(body, module);
      writeName(body, name);
      body.u8(KIND.function);
      writeUnsigned(body, type);
    }
  }

  #writeGlobals(body: ByteWriter): void {
    writeUnsigned(body, this.#globals.length);
    for (const initial of this.#globals) {
      body.u8(I32);
      body.u8(1); // mutable
      body.u8(I32_CONST);
      writeSigned(body, initial | 0);
      body.u8(END);
    }
  }

  #writeExports(body: ByteWriter): void {
    writeUnsigned(body, this.#exports.length);
    for (const { name, kind, index } of this.#exports) {
      writeName(body, name);
      body.u8(kind);
      writeUnsigned(body, kind === KIND.function ? this.#imports.length + index : index);
    }
  }

  #writeElements(body: ByteWriter): void {
    writeUnsigned(body, 1);
    body.u8(0); // active, table 0
    body.u8(I32_CONST);
    body.u8(0);
    body.u8(END);
    writeUnsigned(body, this.#table.length);
    for (const position of this.#table) writeUnsigned(body, this.#imports.length + position);
  }

  #writeCode(body: ByteWriter): void {
    const functions = this.#filled();
    writeUnsigned(body, functions.length);
    for (const { locals, code } of functions) {
      const text = code.finish(this.#imports.length);
      const header = new ByteWriter('little', 64);
      writeLocals(header, locals);
      writeUnsigned(body, header.length + text.length + 1);
      body.bytes(header.finish());
      body.bytes(text);
      body.u8(END);
    }
  }
}

/** Locals are written as runs of one type. */
function writeLocals(body: ByteWriter, locals: readonly ValueType[]): void {
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  writeUnsigned(body, runs.length);
  for (const { type, count } of runs) {
    writeUnsigned(body, count);
    body.u8(type);
  }
}

function writeVector(body: ByteWriter, values: readonly number[]): void {
  writeUnsigned(body, values.length);
  for (const value of values) body.u8(value);
}

function writeName(body: ByteWriter, name: string): void {
  const bytes = encodeText(name);
  writeUnsigned(body, bytes.length);
  body.bytes(bytes);
}
