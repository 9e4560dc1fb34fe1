/** The WebAssembly format. */

export { CodeBuilder } from './code.ts';
export { compileModule, compileModuleAsync, createMemory, exported, instantiate } from './engine.ts';
export { ModuleBuilder } from './module.ts';
export { F64, I32, I64, type ValueType } from './opcodes.ts';
