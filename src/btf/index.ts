/** BTF: types, their sections, comparing, merging and printing them. */

export { type BtfExt, type LineRecord, type LineRecords, PackedLines, type ParsedExt, encodeBtf, joinBtf, parseBtf, parseBtfExt, parseKernelBtf, placeWord, wordsWithStrings } from './binary/index.ts';
export { formatBtfAsC, formatDeclaration, formatDefinition, formatFunc, formatType, formatVar, isEllipsis } from './c/index.ts';
export { TagIndex, type TypeMismatch, compareTagSets, compareTypes } from './compare/index.ts';
export { BTF_FAULT } from './faults.ts';
export { type MergeInput, type MergeResult, mergeBtf, mergeUnits } from './merge/index.ts';
export { type Btf, BtfBuilder, type BtfComposite, type BtfDataSec, type BtfDeclTag, type BtfFunc, type BtfFuncProto, type BtfId, type BtfInt, type BtfLinkage, type BtfMember, type BtfSecVar, type BtfType, type BtfVar, INT, RawBtf, StringPool, btfOf, describeType, editBtf, forEachVariable, importTypes, isModifier, kindNumber, resolvedType, sizeOfType, skipModifiers, toRaw } from './model/index.ts';
export { type BtfValue, type DecodedValue, type JsonValue, type ValueTypes, decodeData, decodeValue, encodeValue, valueJson, valueText } from './values/index.ts';
