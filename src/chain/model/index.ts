export type { ChainHook, ChainState, MemberState, ProgramFacts } from './chain.ts';
export { isSameSettings } from './compare.ts';
export type { ChainDesign, DesignMember } from './design.ts';
