export { listChains, readChain, readRunningChain } from './chains.ts';
export { type ChainContext, findChainHook } from './engine/index.ts';
export type { ChainKind, ChainState } from './model/index.ts';
export { type ChainExplanation, type ExplainedMember, type MemberRate, type MemberReading, type Reading, WatchedChain, explainChain, ratesBetween } from './watch/index.ts';
