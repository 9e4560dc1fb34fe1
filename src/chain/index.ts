export { type ChainChange, type ChainOptions, changeChain, listChains, readChain, readRunningChain } from './chains.ts';
export { type ChainContext, findChainHook } from './engine/index.ts';
export { type ChainBackEnd, type ChainEdit, type ChainHook, type ChainKind, type ChainState, type MemberRequest, type MemberState, type ProgramFacts, explainPlace, memberName, ordinal, requireMember } from './model/index.ts';
export { type ChainExplanation, type ExplainedMember, type MemberRate, type MemberReading, PacketTrace, type Reading, type TracedPacket, WatchedChain, explainChain, ratesBetween } from './watch/index.ts';
