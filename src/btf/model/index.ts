/** Types as data and as words of a section; building and checking type sections. */

export { appendDataSections } from './append.ts';
export { BtfBuilder, editBtf } from './builder.ts';
export { forEachReference, forEachVariable, RawBtf } from './raw.ts';
export { isModifier, sizeOfType, skipModifiers } from './size.ts';
export { StringPool } from './string-pool.ts';
export { toRaw } from './to-raw.ts';
export { StringMapper, TypeWriter } from './type-writer.ts';
export {
  BTF_KIND,
  type Btf,
  type BtfArray,
  type BtfComposite,
  type BtfDataSec,
  type BtfDeclTag,
  type BtfEnum,
  type BtfFloat,
  type BtfFunc,
  type BtfFuncProto,
  type BtfId,
  type BtfInt,
  type BtfLinkage,
  type BtfMember,
  type BtfSecVar,
  type BtfType,
  type BtfVar,
} from './types.ts';
export { validateTypes } from './validate.ts';
export { pointerSize } from './validate-values.ts';
export { ValueOrder } from './value-order.ts';
export {
  COMMON_WORDS,
  elementWords,
  findStarts,
  firstElementName,
  firstReference,
  INFO,
  isKnownKind,
  kindFlagOfInfo,
  kindOfInfo,
  referenceCount,
  referenceStride,
  vlenOfInfo,
} from './words.ts';
