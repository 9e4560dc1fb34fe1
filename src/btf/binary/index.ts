/** Bytes of `.BTF` and `.BTF.ext`: parse and encode. */

export { encodeBtf, encodeBtfWithTexts } from './encode.ts';
export { type LineRecord, type LineRecords, PackedLines, placeWord } from './lines.ts';
export { parseBtf } from './parse.ts';
export { parseKernelBtf } from './parse-kernel.ts';
export { readRecordsAt, readTypesAt, type SectionPlace } from './read-sections.ts';
