/** Values of C types as values of JavaScript. */

export { type BtfValue, decodeValue, type ValueTypes } from './btf-value.ts';
export { encodeValue } from './btf-value-write.ts';
export { TypedMap } from './typed-map.ts';
