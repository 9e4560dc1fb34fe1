/** Names to definitions: resolution, type agreement, undefined names, explanations. */

export { addendProblems } from './addends.ts';
export { checkAgreement, disagreement, expectedSectionOf } from './agree.ts';
export { type BindRequest, type ExplicitBinding, bindExplicitly, boundExterns, fileMatches, findInput, parseTarget } from './bind.ts';
export { type LinkColumns, RowPlaces, addWords, faultsOf, rowOf } from './columns.ts';
export { type Explanation, explainAll } from './explain.ts';
export { LINK_FAULT } from './faults.ts';
export { mayHaveFaults, mayHaveMoreVariables, mayHaveNamesakes, mayHavePinnedMaps, mayHaveSection, mayHaveStrayFunctions, mayLackFunctionTypes, statedLicense } from './plain.ts';
export { type DuplicateAdvice, GENERAL_ADVICE, describeDefinition, describeSymbol, duplicateProblem, sourceLine } from './problems.ts';
export { type FunctionType, agreedContexts, comparePrototypes, entryObjection } from './prototypes.ts';
export { referenceProblems, wrongReferences } from './reference-kinds.ts';
export { type ReferenceSite, referenceLines, referencesTo } from './references.ts';
export { REQUEST, SHARED_SCOPE } from './request.ts';
export { type Resolution, type ResolveOptions, type SymbolGroup, groupAt, isKernelName, isSingle, resolve } from './resolve.ts';
export { findSameTypes } from './same-types.ts';
export { type SymbolAt, entryAt, inputName, symbolAt } from './symbol-at.ts';
export { uncheckedNotes, uncheckedPairs } from './unchecked.ts';
export { undefinedProblems } from './undefined.ts';
