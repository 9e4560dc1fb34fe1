/** Bytes of `.BTF` and `.BTF.ext`: parse and encode. */

export { encodeBtf, joinBtf, wordsWithStrings } from './encode.ts';
export { type BtfExt, type ParsedExt, parseBtfExt } from './ext.ts';
export { btfWithExtContents } from './ext-encode.ts';
export { LINE_WORDS, type LineRecord, type LineRecords, PackedLines, placeWord } from './lines.ts';
export { parseBtf, parseKernelBtf } from './parse.ts';
