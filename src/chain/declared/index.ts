export {
  type AppliedChain,
  applyChains,
  type PlannedChain,
  planChains,
  problemsOfRun,
  type ReadyChain,
  titleOf,
  undeclaredChains,
} from './apply.ts';
export type { ChainPlan, FileFacts, FixedBy, MemberDifference, PlannedMember } from './diff.ts';
export { exportChain } from './export.ts';
export { type DeclaredChain, type DeclaredMember, readDeclared } from './read.ts';
