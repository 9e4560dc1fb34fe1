/** Static linking and static re-linking. */

export { type Remedy, droppedTailCalls, notLoadedTailCalls } from './dropped-tail-calls.ts';
export { type AliasRequest, type EditOptions, type SelectedRename, type Selector, parseSelector } from './edit/index.ts';
export { type ArchiveInput, type LinkInput, type PulledMember, isArchive, requireInputs } from './inputs/index.ts';
export { type LinkOptions, type LinkResult, type LinkSuccess, link, linkToBytes } from './link.ts';
export { INLINE_SCOPES, isInlineScope, optimize } from './optimize/index.ts';
export { type InlineScope, type InlinedCall, type KeptCall, NO_GAIN, type OptimizeOptions, type OptimizeReport, type Optimized, type ProgramOptimization } from './optimize/model/index.ts';
export { type Combined, type ProgramLimits, TEXT_SECTION, checkLimits, defaultRoots, labelsFor, pinnedSymbols, pruneObject, separateNames, withLicense, withTextSection } from './passes/index.ts';
export { type LinkFailure, type Merged, type Naming, type Pruned, type ResolveRequest, type Selection, mergeAtoms, nameAtoms, pruneAtoms, resolveNames, unedited } from './pipeline/index.ts';
export { type ChainComponent, type ChainRelinkOptions, chainRootlet, memberVerdicts, relinkChain } from './relink-chain.ts';
export { type RelinkResult, type RelinkSuccess, relink } from './relink.ts';
export { type FilledSlot, type RelinkOptions, type RelinkReport, type ReportedComponent, type ReportedMap, type ReportedState, type SlotAssignment, adoptionNote, arrayWithItself, arraysOf, countedSlot, fragmentsProblem, freeSlots, inOrder, isEntrySlot, makeChain, misfit, namedProgram, slotMissing, slotNotes, slotProblem, slotTwice, slotsOf, tooManyComponents, unknownSlot } from './relink/index.ts';
export { type Discarded, type InspectedFunction, type InspectedMap, type InspectedSymbol, type InspectedVariable, type Inspection, type LinkReport, type LivePath, type ReportedMerge, type ReportedRename, type ReportedSymbol, inspect } from './report/index.ts';
export { type BindRequest, type Explanation, type ReferenceSite, type SymbolAt, agreedContexts, comparePrototypes, describeDefinition, describeSymbol, disagreement, entryObjection, findInput, isKernelName, isSingle, parseTarget, referenceLines, referencesTo, resolve, uncheckedPairs, wrongReferences } from './resolve/index.ts';
export { COUNTS_MAP, type Counters, NO_MEMBER, TRACE_MAP, type VerdictCount, WATCH_COUNT, WATCH_SECTION, WATCH_TIME, WATCH_TRACE, WatchWords, counterLayout, decodeCounters, decodeTrace, isWatchMap, withCounters } from './watch/index.ts';
export { wrapVerdicts } from './wrap-verdicts.ts';
