/** Static linking and static re-linking. */

export {
  type AliasRequest,
  parseSelector,
  type SelectedRename,
  type Selector,
  type SurgeryOptions,
} from './edit/index.ts';
export {
  type ArchiveInput,
  isArchive,
  type LinkInput,
  type PulledMember,
  requireInputs,
} from './inputs/index.ts';
export {
  type LinkFailure,
  type LinkOptions,
  type LinkResult,
  type LinkSuccess,
  link,
  linkToBytes,
} from './link.ts';
export {
  applyRenames,
  type Combined,
  checkLimits,
  chooseLicense,
  combine,
  defaultRoots,
  labelsFor,
  mergeSections,
  narrow,
  type ProgramLimits,
  pinnedSymbols,
  separateNames,
  subset,
  TEXT_SECTION,
  withLicense,
  withTextSection,
} from './passes/index.ts';
export {
  arraysOf,
  arrayWithItself,
  chooseProgram,
  type FilledSlot,
  fragmentsProblem,
  likelyProgram,
  type RelinkOptions,
  type RelinkReport,
  type ReportedComponent,
  type ReportedMap,
  type ReportedState,
  type SlotAssignment,
  slotMissing,
  slotProblem,
  slotsOf,
} from './relink/index.ts';
export { type RelinkResult, type RelinkSuccess, relink } from './relink.ts';
export { type ChainComponent, type ChainRelinkOptions, relinkChain } from './relink-chain.ts';
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
  FOLDED_SECTIONS,
  findInput,
  isKernelName,
  parseTarget,
  type ReferenceSite,
  referencesTo,
  resolve,
  type SymbolAt,
} from './resolve/index.ts';
