/** Values of BTF types: as data, as a tree, as text, as bytes. */

export { type BtfValue, decodeData } from './data.ts';
export { type JsonValue, valueJson, valueText } from './text.ts';
export { type DecodedValue, decodeValue } from './tree.ts';
export type { ValueTypes } from './walk.ts';
export { encodeValue } from './write.ts';
