/** Values of BTF types: as data, as a tree, as text, as bytes. */

export { type Assigned, applyAssigned, assignedBits } from './assigned.ts';
export { type BtfValue, decodeData } from './data.ts';
export { parseLiteral } from './literal.ts';
export { hexText, type JsonValue, runsOf, valueJson, valueText } from './text.ts';
export { type DecodedValue, decodeValue } from './tree.ts';
export type { ValueTypes } from './walk.ts';
export { encodeValue } from './write.ts';
