/** Externs of the kernel: configuration, symbols, kfuncs, its own types. */

export { type BindOptions, bindExterns, KCONFIG_SECTION, KSYMS_SECTION } from './bind-externs.ts';
export { type ExternBinding, type ExternBindings, NO_BINDINGS } from './bindings.ts';
export { findAddresses, hasSyscallWrapper, type KernelFacts, runningKernelFacts } from './kernel-facts.ts';
export { joinSplitBtf, type KernelTarget, type KernelTypes, openKernelTypes } from './kernel-types.ts';
