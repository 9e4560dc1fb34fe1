export { type ChainChange, type ChainOptions, changeChain, listChains, readChain } from './chains.ts';
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
export { type ChainTrouble, examineChains, repairChains } from './upkeep/index.ts';
