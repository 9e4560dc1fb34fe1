export {
  type ChainChange,
  type ChainContext,
  type ChainOptions,
  changeChain,
  findChainHook,
  listChains,
  readChain,
} from './chains.ts';
export {
  type ChainBackEnd,
  type ChainEdit,
  type ChainHook,
  type ChainKind,
  type ChainState,
  explainPlace,
  type MemberRequest,
  type MemberState,
  ordinal,
  type ProgramFacts,
} from './model/index.ts';
