export type { ChainBackEnd, ChainHook, ChainKind, ChainState, MemberState, ProgramFacts } from './chain.ts';
export { hasCounters, isSameDesign } from './compare.ts';
export type { ChainDesign, DesignMember } from './design.ts';
export type { ChainEdit, MemberRequest } from './edit.ts';
export { type Describe, nextDesign, requireMember } from './next-design.ts';
export { memberStates } from './states.ts';
