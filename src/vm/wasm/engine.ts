/**
 * The part of the WebAssembly JavaScript interface that the machine uses.
 *
 * TypeScript declares it only with the browser's library, which nothing here may depend on; every engine that
 * runs this has the object itself.
 */

import { platformError, type RootletError } from '../../diag/index.ts';

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
export interface WasmTable {
  readonly length: number;
}
export interface WasmGlobal {
  value: number;
}
export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}
/** A compiled module; opaque. */
export type WasmModule = object;

interface WasmInterface {
  Memory: new (descriptor: { initial: number; maximum: number }) => WasmMemory;
  Module: new (bytes: Uint8Array) => WasmModule;
  Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => WasmInstance;
  RuntimeError: new (message?: string) => Error;
  compile(bytes: Uint8Array): Promise<WasmModule>;
}

declare const WebAssembly: WasmInterface;

/** Bytes of a page, the unit in which memories are sized. */
export const WASM_PAGE = 65536;

/** Throws `vm-memory-refused` when the engine has not that much. */
export function createMemory(pages: number): WasmMemory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    const mebibytes = (pages * WASM_PAGE) / 0x100000;
    throw platformError('vm-memory-refused', [], `the engine refuses ${mebibytes} MiB of memory`, {
      ...(error instanceof Error ? { details: [error.message] } : {}),
    });
  }
}

/**
 * Compiles at once. Browsers refuse large modules on their main thread; `compileModuleAsync` has no such
 * limit.
 */
export function compileModule(bytes: Uint8Array): WasmModule {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    throw compileRefused(error);
  }
}

export async function compileModuleAsync(bytes: Uint8Array): Promise<WasmModule> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw compileRefused(error);
  }
}

/** Pages may forbid code that is made at run time, and engines have limits of their own. */
function compileRefused(error: unknown): RootletError {
  return platformError('vm-compile-refused', [], 'the engine refuses to compile the programs', {
    hint: "a page that forbids it needs 'wasm-unsafe-eval' in the script-src of its Content-Security-Policy",
    ...(error instanceof Error ? { details: [error.message] } : {}),
  });
}

export function instantiate(
  module: WasmModule,
  imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): WasmInstance {
  return new WebAssembly.Instance(module, imports);
}

/** What the module exports under that name; undefined when it exports nothing there. */
export function exported(instance: WasmInstance, name: string): unknown {
  return instance.exports[name];
}
