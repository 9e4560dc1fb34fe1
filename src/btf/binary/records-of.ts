/** The records of a unit as data, made of its columns on demand. */

import { CORE_INFO, FUNCTION_INFO, type Image, LINE_INFO, UNIT } from '../../image/index.ts';
import type { RawBtf } from '../model/index.ts';
import type { ParsedExt } from './ext.ts';
import { LINE_WORDS, PackedLines } from './lines.ts';

/** The records of a unit, independent of the image; `btf` are its types. */
export function recordsOf(image: Image, unit: number, btf: RawBtf): ParsedExt {
  return {
    funcs: rowsOf(image, unit, UNIT.functionInfos, UNIT.functionInfoCount, row => ({
      section: image.nameText(image.get(FUNCTION_INFO.section, row)),
      byteOffset: image.get(FUNCTION_INFO.offset, row) >>> 0,
      type: image.get(FUNCTION_INFO.type, row),
    })),
    lines: rowsOf(image, unit, UNIT.lineInfos, UNIT.lineInfoCount, row => ({
      section: image.nameText(image.get(LINE_INFO.section, row)),
      byteOffset: 0,
      lines: linesOf(image, row, btf),
    })),
    core: rowsOf(image, unit, UNIT.coreInfos, UNIT.coreInfoCount, row => ({
      section: image.nameText(image.get(CORE_INFO.section, row)),
      byteOffset: image.get(CORE_INFO.offset, row) >>> 0,
      type: image.get(CORE_INFO.type, row),
      access: btf.string(image.get(CORE_INFO.access, row)),
      kind: image.get(CORE_INFO.kind, row),
    })),
  };
}

function rowsOf<T>(image: Image, unit: number, first: number, count: number, make: (row: number) => T): T[] {
  const start = image.get(first, unit);
  return Array.from({ length: image.get(count, unit) }, (_, index) => make(start + index));
}

function linesOf(image: Image, row: number, btf: RawBtf): PackedLines {
  const count = image.get(LINE_INFO.lineCount, row);
  const first = image.get(LINE_INFO.lines, row);
  const words = new Uint32Array(image.words.slice(first, first + count * LINE_WORDS).buffer);
  return new PackedLines(words, btf.strings, { first: 0, end: count, byteOffset: 0 });
}
