export {
  CHAIN_KINDS,
  type ChainBackEnd,
  type ChainHook,
  type ChainKind,
  type ChainState,
  explainPlace,
  type MemberState,
  ordinal,
  type ProgramFacts,
} from './chain.ts';
export { hasCounters, isSameCode, isSameDesign, isSameSettings, optimizationOf } from './compare.ts';
export { countedMember, type LoadedMember } from './counted.ts';
export type { ChainDesign, DesignMember } from './design.ts';
export type { ChainEdit, MemberRequest } from './edit.ts';
export { damagedChain, decodeRules, encodeRules, type MemberRules } from './member-record.ts';
export { type Describe, memberName, nextDesign, requireMember } from './next-design.ts';
export { lostSettings, withSettings } from './replace-settings.ts';
export { memberStates } from './states.ts';
