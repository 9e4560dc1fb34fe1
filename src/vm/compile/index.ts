/** BPF functions to a WebAssembly module. */

export { type CompiledModule, type CompileInput, compile } from './compile.ts';
export type { ExternPlan, MapPlan, MemoryPlan, Refusal } from './emitter.ts';
export type { HelperImport } from './imports.ts';
export { ENV_MODULE, FAULT_IMPORT, HELPER_MODULE, INVOKE_EXPORT, programExport } from './names.ts';
export { reachableUnits } from './reach.ts';
export { type Site, SiteTable } from './sites.ts';
export { type CodeUnit, codeError } from './unit.ts';
