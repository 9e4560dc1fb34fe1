/** BTF: types, their sections, comparing, merging and printing them. */

export { type LineRecord, type LineRecords, PackedLines, encodeBtf, encodeBtfWithTexts, parseBtf, parseKernelBtf, placeWord } from './binary/index.ts';
export { type AroundName, aroundLinked, formatBtfAsC, formatDeclaration, formatDefinition, formatFunc, formatType, formatVar, isEllipsis } from './c/index.ts';
export { TagIndex, type TypeMismatch, compareTagSets, compareTypes } from './compare/index.ts';
export { type MergeResult, mergeBtf, mergeTypesOfUnits, mergeUnits, sameUnitTypes } from './merge/index.ts';
export { type Btf, BtfBuilder, type BtfComposite, type BtfDataSec, type BtfDeclTag, type BtfFunc, type BtfFuncProto, type BtfId, type BtfInt, type BtfLinkage, type BtfMember, type BtfSecVar, type BtfType, type BtfVar, INT, RawBtf, btfOf, describeType, editBtf, forEachVariable, importTypes, isModifier, kindNumber, resolvedType, sizeOfType, skipModifiers, toRaw } from './model/index.ts';
export { readUnitTypes } from './read-unit.ts';
export { type BtfValue, type DecodedValue, type JsonValue, type ValueTypes, decodeData, decodeValue, encodeValue, valueJson, valueText } from './values/index.ts';
