/** `BpfObject`, its layout and its map definitions. */

export { aliasesOf, asAlias, isAlias, movedAliases } from './aliases.ts';
export { namesOf } from './from-columns.ts';
export { JUMP_TABLE_ENTRY, JUMP_TABLES, jumpTableAt, jumpTargets } from './jump-tables.ts';
export {
  isPinnedMap,
  type MapDefinition,
  parseMapDefinition,
  plainDefinition,
  untypedMap,
} from './map-definition.ts';
export {
  type Binding,
  type BpfObject,
  type BpfSymbol,
  type CodeReference,
  type CoreRecord,
  comdatOf,
  type DataReference,
  type DefinedSymbol,
  type ExternSymbol,
  type FunctionSymbol,
  faultsIn,
  faultsOf,
  isCommon,
  isDebugSection,
  isObject,
  licenseOf,
  type MapSymbol,
  notesOf,
  type Origin,
  requireObject,
  requireSound,
  type SectionIndex,
  type SectionShell,
  type SymbolBase,
  type SymbolIndex,
  sectionAt,
  sectionNameOf,
  sectionOf,
  sizeOfSymbol,
  symbolOf,
  textOfSection,
  type VariableSymbol,
  type Visibility,
} from './model.ts';
export { objectOf, type UnitPlace, unitOf } from './object-of.ts';
export {
  isProgram,
  isProgramPlace,
  isTextSection,
  programsOf,
  staticPrograms,
  staticSubprograms,
} from './programs.ts';
export { kconfigHint } from './undefined.ts';
export { extrasOf, setExtras } from './unit-extras.ts';
export { variableSize } from './variable-size.ts';
