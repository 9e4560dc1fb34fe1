/** What the machine asks of the WebAssembly engine, with problems in place of the engine's own errors. */

import type { WasmEngine, WasmImports, WasmInstance, WasmMemory, WasmModule } from '../../bytes/index.ts';
import { WASM_PAGE } from '../../bytes/index.ts';
import { platformError, type RootletError } from '../../diag/index.ts';

declare const WebAssembly: WasmEngine;

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

export function instantiate(module: WasmModule, imports: WasmImports): WasmInstance {
  return new WebAssembly.Instance(module, imports);
}

/** What the module exports under that name; undefined when it exports nothing there. */
export function exported(instance: WasmInstance, name: string): unknown {
  return instance.exports[name];
}
