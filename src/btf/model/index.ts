/** Types as data and as words of a section; building and checking type sections. */

export { BtfBuilder, editBtf } from './builder.ts';
export { btfOf, importTypes, type Refusal, refusalSince } from './columns.ts';
export { describeType } from './describe.ts';
export { typeRuleError } from './explain.ts';
export { TYPE_FAULT } from './faults.ts';
export { TypeSearch } from './find-types.ts';
export { INT } from './int.ts';
export { btfIn, placeBytes } from './placed.ts';
export { pointerSize } from './pointer-size.ts';
export { forEachReference, forEachVariable, idsOfKinds, RawBtf } from './raw.ts';
export { isModifier, resolvedType, sizeOfType, skipModifiers } from './size.ts';
export { toRaw } from './to-raw.ts';
export { kindNumber } from './type-writer.ts';
export type {
  Btf,
  BtfArray,
  BtfComposite,
  BtfDataSec,
  BtfDeclTag,
  BtfEnum,
  BtfFloat,
  BtfFunc,
  BtfFuncProto,
  BtfId,
  BtfInt,
  BtfLinkage,
  BtfMember,
  BtfSecVar,
  BtfType,
  BtfVar,
} from './types.ts';
export { ValueOrder } from './value-order.ts';
export { kindOfInfo, vlenOfInfo } from './words.ts';
