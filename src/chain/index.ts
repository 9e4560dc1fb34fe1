export { type ChainChange, type ChainOptions, changeChain, previewChain, readRunning } from './chains.ts';
export {
  type AppliedChain,
  applyChains,
  type ChainPlan,
  type DeclaredChain,
  type DeclaredMember,
  exportChain,
  type FileFacts,
  type FixedBy,
  type MemberDifference,
  type PlannedChain,
  type PlannedMember,
  planChains,
  problemsOfRun,
  type ReadyChain,
  readDeclared,
  titleOf,
  undeclaredChains,
} from './declared/index.ts';
export { type SimulatedVerdict, type Simulation, simulateChain } from './declared/simulate/index.ts';
export { type ChainContext, findChainHook } from './engine/index.ts';
export { listChains } from './list.ts';
export {
  type ChainHook,
  type ChainKind,
  type DesignMember,
  explainPlace,
  type MemberRequest,
  memberStates,
} from './model/index.ts';
