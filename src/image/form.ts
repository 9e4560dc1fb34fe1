/**
 * In which form kernels run: as WebAssembly where its memory is to be had, else as JavaScript. The variable
 * `ROOTLET_CORE` decides where a host has an environment: `js` and `wasm` take no other form.
 */

import { type WasmEngine, type WasmModule, wasmEngine } from '../bytes/index.ts';
import { platformError, quote, type RootletError } from '../diag/index.ts';
import { COMPILED } from './compiled.ts';
import { outside } from './failures.ts';
import type { CompiledKernels, ScriptKernels } from './image-memory.ts';

let compiled = COMPILED;
let module: WasmModule | undefined;
let script: ScriptKernels | undefined;

let forced: FormChoice | undefined;

/**
 * Takes other compiled kernels, and a choice instead of that of the environment: for tests of what is not built.
 * Returns what takes those that were used before.
 */
export function useCompiled(kernels: CompiledKernels, choice?: FormChoice): () => void {
  const before = [compiled, forced] as const;
  [compiled, forced] = [kernels, choice];
  [module, script] = [undefined, undefined];
  return () => useCompiled(...before);
}

export type FormChoice = 'js' | 'wasm' | 'any';

/** What `ROOTLET_CORE` asks for. Throws `image-form` for another word. */
export function formChoice(): FormChoice {
  if (forced !== undefined) return forced;
  const host: { readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> } } =
    globalThis;
  const word = host.process?.env?.['ROOTLET_CORE'];
  if (word === undefined || word === '') return 'any';
  if (word === 'js' || word === 'wasm') return word;
  throw platformError('image-form', ['ROOTLET_CORE'], `${quote(word)} is neither "js" nor "wasm"`);
}

/** The kernels' module, which is compiled once; null where there is none. Call it only with memory at hand. */
export function kernelModule(engine: WasmEngine): WasmModule | null {
  if (module === undefined && compiled.wasm !== null) module = new engine.Module(compiled.wasm());
  return module ?? null;
}

/** All kernels as one script; null where they are modules. */
export function kernelScript(): ScriptKernels | null {
  script ??= compiled.script?.(outside);
  return script ?? null;
}

/** The engine, if kernels may run in it. */
export function engineForKernels(choice: FormChoice): WasmEngine | null {
  const engine = choice === 'js' || compiled.wasm === null ? null : wasmEngine();
  if (engine === null && choice === 'wasm') throw formRefused();
  return engine;
}

/** `ROOTLET_CORE=wasm` where it cannot be. */
export function formRefused(error?: unknown): RootletError {
  const message = compiled.wasm === null ? 'there is no compiled module' : 'the engine refuses WebAssembly';
  return platformError('image-form', ['ROOTLET_CORE'], `"wasm" is asked for, but ${message}`, {
    ...(error instanceof Error ? { details: [error.message] } : {}),
  });
}
