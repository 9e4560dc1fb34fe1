export * from './archives.ts';
export * from './bind.ts';
export * from './chain.ts';
export { contextOf, parseVerdict, type Verdict } from './chain-types.ts';
export type { Collected, CollectOptions, LivePath } from './collect.ts';
export { type AliasRequest, defineAliases } from './defsym.ts';
export * from './explain.ts';
export { findIdentical, type Identical } from './fold-identical.ts';
export * from './gc.ts';
export * from './inputs.ts';
export * from './inspect.ts';
export * from './license.ts';
export * from './limits.ts';
export * from './link.ts';
export * from './relink.ts';
export * from './relink-chain.ts';
export type { ComponentMember } from './relink-inputs.ts';
export type * from './relink-report.ts';
export type * from './report.ts';
export * from './resolve.ts';
export * from './slots.ts';
export { operateOnResult } from './surgery.ts';
export { type Operated, prefixSymbols, redefineSymbols, type SymbolRename } from './surgery-names.ts';
export {
  parseSelector,
  type SelectedRename,
  type Selector,
  type SurgeryOptions,
} from './surgery-requests.ts';
export { renameSections } from './surgery-sections.ts';
export * from './surgery-standing.ts';
export { wrapSymbols } from './wrap.ts';
