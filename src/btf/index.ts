export { BtfBuilder, editBtf } from './builder.ts';
export { encodeBtf } from './encode.ts';
export {
  type BtfExt,
  type CoreRelo,
  encodeBtfWithExt,
  type FuncInfo,
  type LineInfo,
  parseBtfExt,
} from './ext.ts';
export { parseBtf } from './parse.ts';
export { forEachReference, RawBtf } from './raw.ts';
export * from './size.ts';
export { toRaw } from './to-raw.ts';
export * from './types.ts';
