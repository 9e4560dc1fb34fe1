/** Values of BTF types: as data, as a tree, as text, as bytes. */

export { type Assigned, applyAssigned, assignedBits } from './assigned.ts';
export { type BtfInput, type BtfValue, decodeData, MAX_DATA_DEPTH } from './data.ts';
export { findType } from './find-type.ts';
export { parseLiteral } from './literal.ts';
export { hexText, type JsonValue, runsOf, valueJson, valueText } from './text.ts';
export { type DecodedValue, decodeValue } from './tree.ts';
export { isText, type ValueTypes } from './walk.ts';
export { encodeValue } from './write.ts';
