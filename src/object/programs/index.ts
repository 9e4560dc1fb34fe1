/** What section names mean, and the contexts and types of programs. */

export {
  CONTEXT_TAG,
  type ContextParameter,
  contextParameter,
  isVerifiedContext,
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
export { hasFunctionTypes, hasKnownType, withAllFunctionTypes, withEntryTypes } from './function-types.ts';
export { kindId, kindName, kindNameOf, type ProgramType } from './program-type.ts';
export {
  type ProgramTypes,
  retypeAll,
  typeEntries,
  typesFor,
  unknownPrograms,
  withProgramTypes,
} from './retype.ts';
export {
  programTypeOf,
  type SectionInfo,
  sectionInfoOf,
  sectionTextOf,
  suggestSectionName,
} from './section-names.ts';
export { staticChoice, staticNotes, staticProgram } from './static-programs.ts';
export { typeHint } from './type-words.ts';
export {
  type HookRule,
  hasResultFlag,
  hookRuleOf,
  isDelivered,
  neutralVerdict,
  type Verdict,
  verdictConstant,
  verdictName,
  verdictNumbers,
  verdictOfWord,
  verdictsOf,
  verdictWord,
  verdictWords,
} from './verdicts.ts';
