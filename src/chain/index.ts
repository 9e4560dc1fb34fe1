export {
  type ChainChange,
  type ChainOptions,
  changeChain,
  listChains,
  previewChain,
  readChain,
  readRunning,
} from './chains.ts';
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
export {
  type ChainBackEnd,
  type ChainEdit,
  type ChainHook,
  type ChainKind,
  type ChainState,
  type DesignMember,
  explainPlace,
  type MemberRequest,
  type MemberState,
  memberName,
  memberStates,
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
