/**
 * Entry point `rootlet/object`: `BpfObject`, the symbolic form of a BPF object, and its reader and writer.
 * Works in a browser.
 *
 * @module rootlet/object
 */

export type { LineRecord, LineRecords } from '../btf/index.ts';
export type { ByteOrder, InputFile } from '../bytes/index.ts';
export type { ProgramType } from '../object/index.ts';
export {
  type BpfObject,
  type BpfSymbol,
  type CodeReference,
  type CoreRecord,
  type DataReference,
  type ExternSymbol,
  type FunctionSymbol,
  InputObject,
  licenseOf,
  type MapDefinition,
  type MapSymbol,
  type ObjectFile,
  type ObjectTypes,
  type Origin,
  parseMapDefinition,
  programsOf,
  programTypeOf,
  type ReadOptions,
  readObject,
  type SectionIndex,
  type SectionInfo,
  type SectionShell,
  type SymbolBase,
  type SymbolIndex,
  type VariableSymbol,
  writeObject,
} from '../object/index.ts';
