export { type PlannedChain, planChains, type ReadyChain, titleOf } from './apply.ts';
export type { ChainPlan, FileFacts, FixedBy, MemberDifference, PlannedMember } from './diff.ts';
export { type DeclaredChain, type DeclaredMember, readDeclared } from './read.ts';
