export { adoptedMember } from './adopted.ts';
export { applyDesign, removeChain, removeForeign, settleChain } from './apply.ts';
export { type ChosenBackEnd, chooseChainBackEnd, linked } from './choose.ts';
export type { ChainContext, RunningChain } from './context.ts';
export { describerFor, inputFor } from './describe.ts';
export { findChainHook, spellHook } from './hooks.ts';
export { emptyState, readTc, readXdp } from './read.ts';
export { removeStale, staleChains } from './stale.ts';
export { staticChain } from './static.ts';
