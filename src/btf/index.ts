/** BTF: types, their sections, comparing, merging and printing them. */

export {
  encodeBtf,
  encodeBtfWithTexts,
  type LineRecord,
  type LineRecords,
  PackedLines,
  parseBtf,
  parseKernelBtf,
  placeWord,
} from './binary/index.ts';
export {
  type AroundName,
  aroundLinked,
  formatBtfAsC,
  formatDeclaration,
  formatDefinition,
  formatFunc,
  formatType,
  formatVar,
  isEllipsis,
} from './c/index.ts';
export { compareTagSets, compareTypes, TagIndex, type TypeMismatch } from './compare/index.ts';
export { type MergeResult, mergeBtf, mergeTypesOfUnits, mergeUnits, sameUnitTypes } from './merge/index.ts';
export {
  type Btf,
  BtfBuilder,
  type BtfComposite,
  type BtfDataSec,
  type BtfDeclTag,
  type BtfFunc,
  type BtfFuncProto,
  type BtfId,
  type BtfInt,
  type BtfLinkage,
  type BtfMember,
  type BtfSecVar,
  type BtfType,
  type BtfVar,
  btfOf,
  describeType,
  editBtf,
  forEachVariable,
  INT,
  importTypes,
  isModifier,
  kindNumber,
  RawBtf,
  resolvedType,
  sizeOfType,
  skipModifiers,
  TypeSearch,
  toRaw,
} from './model/index.ts';
export { readUnitTypes } from './read-unit.ts';
export { comment, listOf, literal, property, TypeScriptTypes } from './typescript/index.ts';
export {
  type BtfInput,
  type BtfValue,
  type DecodedValue,
  decodeData,
  decodeValue,
  encodeValue,
  findType,
  type JsonValue,
  type ValueTypes,
  valueJson,
  valueText,
} from './values/index.ts';
