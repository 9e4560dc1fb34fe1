export {
  type ChainChange,
  type ChainOptions,
  changeChain,
  listChains,
  readChain,
  readRunningChain,
} from './chains.ts';
export { type ChainContext, findChainHook } from './engine/index.ts';
export {
  type ChainBackEnd,
  type ChainEdit,
  type ChainHook,
  type ChainKind,
  type ChainState,
  explainPlace,
  type MemberRequest,
  type MemberState,
  memberName,
  ordinal,
  type ProgramFacts,
} from './model/index.ts';
export { type ChainRest, type CleanReport, cleanChains } from './upkeep/index.ts';
export {
  type ChainExplanation,
  type ExplainedMember,
  explainChain,
  type MemberRate,
  type MemberReading,
  type Reading,
  ratesBetween,
  WatchedChain,
} from './watch/index.ts';
