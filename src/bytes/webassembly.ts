/**
 * The part of the WebAssembly JavaScript interface that is used. TypeScript declares it only with the browser's
 * library, which nothing here may depend on; every engine that runs this has the object itself, unless it was
 * started without.
 */

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  /** Adds pages; all earlier `buffer`s are detached. Throws a `RangeError` when the engine refuses. */
  grow(pages: number): number;
}
export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}
/** A compiled module; opaque. */
export type WasmModule = object;
/** What a module imports, by module name and name. */
export type WasmImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface WasmEngine {
  Memory: new (descriptor: { initial: number; maximum: number }) => WasmMemory;
  Module: new (bytes: Uint8Array) => WasmModule;
  Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance;
  RuntimeError: new (message?: string) => Error;
  compile(bytes: Uint8Array): Promise<WasmModule>;
}

/** Bytes of a page, the unit in which memories are sized. */
export const WASM_PAGE = 65536;

declare const WebAssembly: WasmEngine;

/** The engine's WebAssembly; null where it has none. */
export function wasmEngine(): WasmEngine | null {
  return typeof WebAssembly === 'undefined' ? null : WebAssembly;
}
