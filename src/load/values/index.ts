/** Values of C types as values of JavaScript. */

export { type BtfValue, decodeValue, type ValueTypes } from './btf-value.ts';
export { encodeValue } from './btf-value-write.ts';
export { type TypedEntry, TypedMap } from './typed-map.ts';
