/** `.BTF.ext` alone, for tests: records that they make up, written and read by the kernels of objects. */

import type { ByteOrder } from '../../bytes/index.ts';
import { Image, UNIT } from '../../image/index.ts';
import { TYPE_OUTPUT } from '../../image/layout.ts';
import * as tables from '../../image/tables.kernel.ts';
import { CORE_RELO_SIZE, FUNC_INFO_SIZE, INSN_SIZE } from '../../uapi/index.ts';
import { type Btf, importTypes, toRaw } from '../model/index.ts';
import * as encode from './encode.kernel.ts';
import { bytesOfTypes, putTypes } from './encode.ts';
import type { BtfExt, ParsedExt, SectionLines } from './ext.ts';
import { LINE_WORDS, placeWord } from './lines.ts';
import { readRecordsAt } from './read-sections.ts';
import { recordsOf } from './records-of.ts';

/**
 * `.BTF` and `.BTF.ext`, which share the strings of the former; `ext` is null when there is no record.
 * Records are grouped by section in the order in which sections appear, and ordered by offset in it.
 */
export function encodeBtfWithExt(
  btf: Btf,
  ext: BtfExt,
  order: ByteOrder,
): { readonly btf: Uint8Array; readonly ext: Uint8Array | null } {
  const image = new Image();
  const output = putTypes(image, btf);
  const { beginRecords, putFunction, putLines, putRelocation, extSize, putExt } = image.run(encode);
  const lineCount = ext.lines.reduce((sum, { lines }) => sum + lines.length, 0);
  const sections = ext.funcs.length + ext.lines.length + ext.core.length;
  beginRecords(output, sections, ext.funcs.length, lineCount, ext.core.length);
  const texts = image.addUnit('texts'); // its strings begin at address 0
  image.set(UNIT.stringSize, texts, 1 << 20);
  const textAt = (text: string): number => image.add(new TextEncoder().encode(text));
  putBlock(
    image,
    output,
    [FUNC_INFO_SIZE, TYPE_OUTPUT.functions],
    ext.funcs,
    (section, { byteOffset, type }) => putFunction(output, section, byteOffset, type),
  );
  const withLines = ext.lines.filter(({ lines }) => lines.length > 0);
  putBlock(image, output, [LINE_WORDS * 4, TYPE_OUTPUT.lines], withLines, (section, part) => {
    const words = lineWords(part, textAt);
    const first = image.add(new Uint8Array(words.buffer)) >> 2;
    putLines(output, section, first, part.lines.length, part.byteOffset, texts);
  });
  putBlock(image, output, [CORE_RELO_SIZE, TYPE_OUTPUT.relocations], ext.core, (section, relo) =>
    putRelocation(output, section, relo.byteOffset, relo.type, texts, textAt(relo.access), relo.kind),
  );
  const types = bytesOfTypes(image, output, order);
  const size = extSize(output);
  if (size === 0) return { btf: types, ext: null };
  const at = image.run(tables).alloc(size);
  putExt(at, output, order === 'little' ? 0 : 1);
  return { btf: types, ext: image.bytes.slice(at, at + size) };
}

/** Line records with addresses in place of offsets of strings. */
function lineWords({ lines }: SectionLines, textAt: (text: string) => number): Uint32Array {
  return Uint32Array.from(
    Array.from(lines, ({ insnIndex, file, text, line, column }) => [
      insnIndex * INSN_SIZE,
      textAt(file),
      textAt(text),
      placeWord(line, column),
    ]).flat(),
  );
}

/** Writes one block of records, by section. `shape`: bytes of a record, and the column with the bytes of the block. */
function putBlock<T extends { readonly section: string }>(
  image: Image,
  output: number,
  [size, column]: readonly [number, number],
  records: readonly T[],
  put: (section: number, record: T) => void,
): void {
  const { beginBlock, endRun, endBlock } = image.run(encode);
  beginBlock(output, size);
  for (const section of new Set(records.map(record => record.section))) {
    const name = image.intern(section);
    for (const record of records) if (record.section === section) put(name, record);
    endRun(output);
  }
  endBlock(output, column);
}

/** Records of a `.BTF.ext` section whose strings and types are `btf`. Places start with `section ".BTF.ext"`. */
export function parseBtfExt(bytes: Uint8Array, order: ByteOrder, btf: Btf): ParsedExt {
  const image = new Image();
  const unit = image.addUnit('');
  const types = toRaw(btf);
  image.set(UNIT.order, unit, order === 'little' ? 0 : 1);
  const place = { at: image.add(bytes), size: bytes.length };
  importTypes(image, unit, types);
  readRecordsAt(image, unit, place);
  return recordsOf(image, unit, types);
}
