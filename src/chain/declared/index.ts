export {
  type ChainPlan,
  type FileFacts,
  type FixedBy,
  type MemberDifference,
  type PlannedMember,
  planDeclared,
} from './diff.ts';
export { exportChain } from './export.ts';
export type { HostSelector } from './format.ts';
export { type DeclaredChain, type DeclaredMember, readDeclared } from './read.ts';
