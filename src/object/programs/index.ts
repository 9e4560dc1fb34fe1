/** What section names mean, and the contexts and types of programs. */

export {
  CONTEXT_TAG,
  type ContextParameter,
  contextParameter,
  prototypeOf,
  type TaggedParameters,
  taggedParameters,
  typeBehind,
} from './context-parameters.ts';
export {
  CONTEXT_STRUCTS,
  contextNameOf,
  isForeignContext,
  REGISTER_STRUCTS,
  REGISTERS_TYPEDEF,
} from './context-structs.ts';
export { kindId, kindName, kindNameOf, type ProgramType } from './program-type.ts';
export {
  programTypeOf,
  type SectionInfo,
  sectionInfoOf,
  sectionTextOf,
  suggestSectionName,
} from './section-names.ts';
export {
  type HookRule,
  hasResultFlag,
  hookRuleOf,
  isDelivered,
  neutralVerdict,
  type Verdict,
  verdictName,
  verdictNumbers,
  verdictOfWord,
  verdictsOf,
  verdictWords,
} from './verdicts.ts';
