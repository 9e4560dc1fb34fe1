/** Names to definitions: resolution, type agreement, undefined names, explanations. */

export { addendProblems } from './addends.ts';
export { checkAgreement, disagreement, expectedSectionOf } from './agree.ts';
export {
  type BindRequest,
  bindExplicitly,
  boundExterns,
  type ExplicitBinding,
  fileMatches,
  findInput,
  parseTarget,
} from './bind.ts';
export { addWords, faultsOf, type LinkColumns, RowPlaces, rowOf } from './columns.ts';
export { type Explanation, explainAll } from './explain.ts';
export { LINK_FAULT } from './faults.ts';
export {
  mayHaveFaults,
  mayHaveMoreVariables,
  mayHaveNamesakes,
  mayHavePinnedMaps,
  mayHaveSection,
  mayHaveStrayFunctions,
  mayLackFunctionTypes,
  statedLicense,
  variablesOfSections,
} from './plain.ts';
export {
  aroundSymbol,
  type DuplicateAdvice,
  describeDefinition,
  describeSymbol,
  duplicateProblem,
  GENERAL_ADVICE,
  sourceLine,
} from './problems.ts';
export { agreedContexts, comparePrototypes, entryObjection, type FunctionType } from './prototypes.ts';
export { referenceProblems, wrongReferences } from './reference-kinds.ts';
export { type ReferenceSite, referenceLines, referencesTo } from './references.ts';
export { REQUEST, SHARED_SCOPE } from './request.ts';
export {
  groupAt,
  isKernelName,
  isSingle,
  KERNEL_SECTIONS,
  type Resolution,
  type ResolveOptions,
  resolve,
  SINGLE_SECTIONS,
  type SymbolGroup,
} from './resolve.ts';
export { findSameTypes } from './same-types.ts';
export { entryAt, inputName, type SymbolAt, symbolAt } from './symbol-at.ts';
export { uncheckedNotes, uncheckedPairs } from './unchecked.ts';
export { undefinedProblems } from './undefined.ts';
