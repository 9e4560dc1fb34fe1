/** BPF functions to a WebAssembly module. */

export { type CompiledModule, type CompileInput, compile } from './compile.ts';
