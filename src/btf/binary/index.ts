/** Bytes of `.BTF` and `.BTF.ext`: parse and encode. */

export { encodeBtf, joinBtf, wordsWithStrings } from './encode.ts';
export type { BtfExt, ParsedExt } from './ext.ts';
export { type LineRecord, type LineRecords, PackedLines, placeWord } from './lines.ts';
export { parseBtf, parseBtfExt, parseKernelBtf } from './parse.ts';
export { type SectionPlace, readRecordsAt, readTypesAt } from './read-sections.ts';
