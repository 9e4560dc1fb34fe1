export {
  type ChainBackEnd,
  type ChainHook,
  type ChainKind,
  type ChainState,
  explainPlace,
  type MemberState,
  ordinal,
  type ProgramFacts,
} from './chain.ts';
export type { ChainEdit, MemberRequest } from './edit.ts';
