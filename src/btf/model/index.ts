/** Types as data and as words of a section; building and checking type sections. */

export { appendDataSections } from './append.ts';
export { BtfBuilder, editBtf } from './builder.ts';
export { INT } from './int.ts';
export { forEachReference, forEachVariable, RawBtf } from './raw.ts';
export { isModifier, resolvedType, sizeOfType, skipModifiers } from './size.ts';
export { StringPool } from './string-pool.ts';
export { toRaw } from './to-raw.ts';
export { kindNumber, StringMapper } from './type-writer.ts';
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
export { validateTypes } from './validate.ts';
export { pointerSize } from './validate-values.ts';
export { ValueOrder } from './value-order.ts';
export {
  COMMON_WORDS,
  elementWords,
  findStarts,
  firstElementName,
  INFO,
  isKnownKind,
  kindOfInfo,
  vlenOfInfo,
} from './words.ts';
