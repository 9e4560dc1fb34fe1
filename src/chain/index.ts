export {
  type AppliedChain,
  applyChains,
  type PlannedChain,
  planChains,
  problemsOfRun,
  type ReadyChain,
  titleOf,
  undeclaredChains,
} from './apply-declared.ts';
export { changeChain } from './chains.ts';
export {
  type ChainPlan,
  type DeclaredChain,
  type DeclaredMember,
  exportChain,
  type FileFacts,
  type FixedBy,
  type HostSelector,
  type MemberDifference,
  type PlannedMember,
  readDeclared,
} from './declared/index.ts';
export { type SimulatedVerdict, type Simulation, simulateChain } from './declared/simulate/index.ts';
export { type ChainContext, findChainHook, recoverChains } from './engine/index.ts';
export { type ChainTrouble, examineChains, repairChains } from './examine.ts';
export { isHidden } from './facts/index.ts';
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
  requireMember,
} from './model/index.ts';
export type { ChainChange, ChainOptions } from './options.ts';
export {
  type HookNode,
  type MapNode,
  type ObjectNode,
  type Overview,
  type PartNode,
  readOverview,
} from './overview.ts';
export { overviewPicture } from './overview-picture.ts';
export { listChains, readChain, readRunning } from './reading.ts';
export { declaredHook, readyChains } from './ready-chains.ts';
export { type RunRate, type RunReading, readRuns, runRates } from './runs.ts';
export { type ChainRest, type CleanReport, cleanChains } from './upkeep/index.ts';
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
  whyNotCounted,
} from './watch/index.ts';
