/** Bytes of `.BTF` and `.BTF.ext`: parse and encode. */

export { encodeBtf, encodeBtfWithTexts } from './encode.ts';
export { type LineRecord, type LineRecords, PackedLines, placeWord } from './lines.ts';
export { parseKernelBtf } from './parse-kernel.ts';
export { parseBtf } from './parse.ts';
export { type SectionPlace, readRecordsAt, readTypesAt } from './read-sections.ts';
