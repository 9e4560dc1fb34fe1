/** Passes over resolved objects: merge, prune, fold, name, limits. */

export { arenaProblems } from './arenas.ts';
export { type Combined, combine, withObject } from './combine.ts';
export { addCopies, type Copy, editSymbols, type SymbolEdit } from './edit-symbols.ts';
export { findIdentical, type Identical } from './fold-identical.ts';
export { foldSubprograms, foldText, TEXT_SECTION, withTextSection } from './fold-text.ts';
export { defaultRoots } from './gc.ts';
export {
  chooseLicense,
  isGplCompatible,
  type LicenseChoice,
  stateLicense,
  versionProblems,
  withLicense,
} from './license.ts';
export { checkLimits, MAX_MAPS, measureLimits, type ProgramLimits } from './limits.ts';
export {
  fixedNames,
  KERNEL_NAME_LENGTH,
  labelsFor,
  type NamingInput,
  type Rename,
  separateNames,
  separateStatics,
  staticPinClashes,
} from './names.ts';
export {
  isPinned,
  joinPinned,
  type PinnedMaps,
  type PinnedMerge,
  pinnedIn,
  pinnedSymbols,
  withPinned,
} from './pinned.ts';
export { pruneCombined } from './prune-combined.ts';
export { pruneObject } from './prune-object.ts';
export { applyRenames } from './rename.ts';
export { type MergedSections, mergeSections, unite } from './sections.ts';
