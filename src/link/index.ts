/** Static linking and static re-linking. */

export { droppedTailCalls, notLoadedTailCalls, type Remedy } from './dropped-tail-calls.ts';
export {
  type AliasRequest,
  type EditOptions,
  parseSelector,
  type SelectedRename,
  type Selector,
} from './edit/index.ts';
export { LINK_FAULT } from './faults.ts';
export {
  type ArchiveInput,
  isArchive,
  type LinkInput,
  type PulledMember,
  requireInputs,
} from './inputs/index.ts';
export { type LinkOptions, type LinkResult, type LinkSuccess, link, linkToBytes } from './link.ts';
export { INLINE_SCOPES, isInlineScope, optimize } from './optimize/index.ts';
export {
  type InlinedCall,
  type InlineScope,
  type KeptCall,
  NO_GAIN,
  type Optimized,
  type OptimizeOptions,
  type OptimizeReport,
  type ProgramOptimization,
} from './optimize/model/index.ts';
export {
  type Combined,
  checkLimits,
  defaultRoots,
  labelsFor,
  type ProgramLimits,
  pinnedSymbols,
  pruneObject,
  separateNames,
  TEXT_SECTION,
  withLicense,
  withTextSection,
} from './passes/index.ts';
export {
  type LinkFailure,
  type Merged,
  mergeAtoms,
  type Naming,
  nameAtoms,
  type Pruned,
  pruneAtoms,
  type ResolveRequest,
  resolveNames,
  type Selection,
  unedited,
} from './pipeline/index.ts';
export {
  adoptionNote,
  arraysOf,
  arrayWithItself,
  countedSlot,
  type FilledSlot,
  fragmentsProblem,
  freeSlots,
  inOrder,
  isEntrySlot,
  makeChain,
  misfit,
  namedProgram,
  type RelinkOptions,
  type RelinkReport,
  type ReportedComponent,
  type ReportedMap,
  type ReportedState,
  type SlotAssignment,
  slotMissing,
  slotNotes,
  slotProblem,
  slotsOf,
  slotTwice,
  tooManyComponents,
  unknownSlot,
} from './relink/index.ts';
export { type RelinkResult, type RelinkSuccess, relink } from './relink.ts';
export {
  type ChainComponent,
  type ChainRelinkOptions,
  chainRootlet,
  memberVerdicts,
  relinkChain,
} from './relink-chain.ts';
export {
  type Discarded,
  type InspectedFunction,
  type InspectedMap,
  type InspectedSymbol,
  type InspectedVariable,
  type Inspection,
  inspect,
  type LinkReport,
  type LivePath,
  type ReportedMerge,
  type ReportedRename,
  type ReportedSymbol,
} from './report/index.ts';
export {
  agreedContexts,
  type BindRequest,
  comparePrototypes,
  describeDefinition,
  describeSymbol,
  disagreement,
  type Explanation,
  entryObjection,
  findInput,
  isKernelName,
  isSingle,
  parseTarget,
  type ReferenceSite,
  referenceLines,
  referencesTo,
  resolve,
  type SymbolAt,
  uncheckedPairs,
  wrongReferences,
} from './resolve/index.ts';
export {
  COUNTS_MAP,
  type Counters,
  counterLayout,
  decodeCounters,
  decodeTrace,
  isWatchMap,
  NO_MEMBER,
  TRACE_MAP,
  type VerdictCount,
  WATCH_COUNT,
  WATCH_SECTION,
  WATCH_TIME,
  WATCH_TRACE,
  WatchWords,
  withCounters,
} from './watch/index.ts';
export { wrapVerdicts } from './wrap-verdicts.ts';
