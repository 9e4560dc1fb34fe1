/** Bytes of `.BTF` and `.BTF.ext`: parse and encode. */

export { encodeBtf, joinBtf, wordsWithStrings } from './encode.ts';
export type { BtfExt, ParsedExt } from './ext.ts';
export { btfWithExtContents } from './ext-encode.ts';
export { type LineRecord, type LineRecords, PackedLines, placeWord } from './lines.ts';
export { parseBtf, parseBtfExt, parseKernelBtf } from './parse.ts';
export { readRecordsAt, readTypesAt, type SectionPlace } from './read-sections.ts';
