export { appendDataSections } from './append.ts';
export { BtfBuilder, editBtf } from './builder.ts';
export { type CompareOptions, compareTypes, type TypeMismatch } from './compare.ts';
export { encodeBtf } from './encode.ts';
export {
  type BtfExt,
  type CoreRelo,
  type FuncInfo,
  type ParsedExt,
  parseBtfExt,
  type SectionLines,
} from './ext.ts';
export { btfWithExtContents, encodeBtfWithExt } from './ext-encode.ts';
export { formatDeclaration, formatDefinition, formatFunc, formatType, formatVar } from './format.ts';
export { formatBtfAsC } from './format-c.ts';
export { type LineRecord, type LineRecords, PackedLines } from './lines.ts';
export {
  type MergeEdit,
  type MergeInput,
  type MergeResult,
  type MergeTarget,
  mergeBtf,
} from './merge.ts';
export { parseBtf, parseKernelBtf } from './parse.ts';
export { forEachReference, forEachVariable, RawBtf } from './raw.ts';
export * from './size.ts';
export { toRaw } from './to-raw.ts';
export * from './types.ts';
