export {
  type ChainKind,
  type ChainState,
  explainPlace,
  type MemberState,
  type ProgramFacts,
} from './model/index.ts';
