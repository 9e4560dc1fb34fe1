/** BTF: types, their sections, comparing, merging and printing them. */

export {
  type BtfExt,
  btfWithExtContents,
  encodeBtf,
  joinBtf,
  type LineRecord,
  type LineRecords,
  PackedLines,
  type ParsedExt,
  parseBtf,
  parseBtfExt,
  parseKernelBtf,
  wordsWithStrings,
} from './binary/index.ts';
export {
  formatBtfAsC,
  formatDeclaration,
  formatDefinition,
  formatFunc,
  formatType,
  formatVar,
} from './c/index.ts';
export { compareTagSets, compareTypes, TagIndex, type TypeMismatch } from './compare/index.ts';
export { type MergeInput, type MergeResult, mergeBtf } from './merge/index.ts';
export {
  appendDataSections,
  BTF_KIND,
  type Btf,
  type BtfArray,
  BtfBuilder,
  type BtfComposite,
  type BtfDataSec,
  type BtfDeclTag,
  type BtfEnum,
  type BtfFunc,
  type BtfFuncProto,
  type BtfId,
  type BtfInt,
  type BtfLinkage,
  type BtfMember,
  type BtfSecVar,
  type BtfType,
  type BtfVar,
  editBtf,
  forEachVariable,
  isModifier,
  RawBtf,
  StringPool,
  sizeOfType,
  skipModifiers,
  toRaw,
} from './model/index.ts';
