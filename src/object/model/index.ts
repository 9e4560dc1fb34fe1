/** `BpfObject`, its layout and its map definitions. */

export { dataSectionsOf, withDataSections } from './data-sections.ts';
export { JUMP_TABLE_ENTRY, JUMP_TABLES, jumpTableAt, jumpTargets } from './jump-tables.ts';
export { layoutSections, type ObjectLayout, type SectionLayout, sizeOfSymbol } from './layout.ts';
export { isPinnedMap, type MapDefinition, parseMapDefinition, plainDefinition } from './map-definition.ts';
export {
  type Binding,
  type BpfObject,
  type BpfSymbol,
  type CodeReference,
  type CoreRecord,
  type DataReference,
  type ExternSymbol,
  type FunctionSymbol,
  isCommon,
  isDebugSection,
  isObject,
  isProgram,
  licenseOf,
  type MapSymbol,
  type Origin,
  programsOf,
  requireObject,
  type SectionIndex,
  type SectionShell,
  type SymbolBase,
  type SymbolIndex,
  sectionAt,
  sectionNameOf,
  sectionOf,
  symbolOf,
  textOfSection,
  type VariableSymbol,
  type Visibility,
} from './model.ts';
