/** Externs of the kernel: configuration, symbols, kfuncs, its own types. */

export { bindExterns, hasKernelFunction } from './bind-externs.ts';
export { type ExternBinding, type ExternBindings, NO_BINDINGS } from './bindings.ts';
export { findInConfig, kconfigTooLarge } from './kconfig.ts';
export { hasSyscallWrapper, type KernelFacts, runningKernelFacts } from './kernel-facts.ts';
export { type KernelTarget, type KernelTypes, openKernelTypes } from './kernel-types.ts';
