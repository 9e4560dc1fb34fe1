export { listChains, readChain, readRunningChain } from './chains.ts';
export { type ChainContext, findChainHook } from './engine/index.ts';
export { type ChainKind, type ChainState, requireMember } from './model/index.ts';
export {
  type ChainExplanation,
  type ExplainedMember,
  explainChain,
  type MemberRate,
  type MemberReading,
  PacketTrace,
  type Reading,
  ratesBetween,
  type TracedPacket,
  WatchedChain,
} from './watch/index.ts';
