export { type ChainBackEnd, type ChainHook, type ChainKind, type ChainState, type MemberState, type ProgramFacts, explainPlace, ordinal } from './chain.ts';
export { hasCounters, isSameDesign, isSameSettings } from './compare.ts';
export type { ChainDesign, DesignMember } from './design.ts';
export type { ChainEdit, MemberRequest } from './edit.ts';
export { type Describe, memberName, nextDesign, requireMember } from './next-design.ts';
export { memberStates } from './states.ts';
