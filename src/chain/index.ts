export { type ChainChange, type ChainOptions, changeChain, previewChain } from './chains.ts';
export {
  type ChainPlan,
  type DeclaredChain,
  type DeclaredMember,
  type FileFacts,
  type FixedBy,
  type MemberDifference,
  type PlannedChain,
  type PlannedMember,
  planChains,
  type ReadyChain,
  readDeclared,
  titleOf,
} from './declared/index.ts';
export { type ChainContext, findChainHook } from './engine/index.ts';
export { type ChainHook, explainPlace, type MemberRequest, memberStates } from './model/index.ts';
