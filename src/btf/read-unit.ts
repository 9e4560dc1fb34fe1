/**
 * Types and records of a unit, in columns; as `RawBtf` and `ParsedExt` on demand.
 *
 * The kernels read and check; this runs them, and makes errors of what they refuse.
 */

import { type CodeOf, inputError, within } from '../diag/index.ts';
import {
  CORE_INFO,
  FAULT,
  FUNCTION_INFO,
  type Image,
  LINE_INFO,
  SECTION,
  TYPE,
  UNIT,
} from '../image/index.ts';
import { CORE_RELO_SIZE, FUNC_INFO_SIZE, LINE_INFO_SIZE } from '../uapi/index.ts';
import * as header from './binary/header.kernel.ts';
import type { ParsedExt } from './binary/index.ts';
import { LINE_WORDS, PackedLines } from './binary/index.ts';
import * as lines from './binary/lines.kernel.ts';
import * as blocks from './binary/records.kernel.ts';
import * as types from './binary/types.kernel.ts';
import { RawBtf } from './model/index.ts';

/** Runs the reading of one section; may catch its error, which leaves the unit without it. */
export type ReadStep = (section: '.BTF' | '.BTF.ext', body: () => void) => void;

export interface ReadUnitOptions {
  /** Called for `.BTF`, then for `.BTF.ext`, also where the unit has no such section. */
  readonly step?: ReadStep;
}

/**
 * Fills the columns of UNIT, TYPE, FUNCTION_INFO, LINE_INFO and CORE_INFO from the first sections `.BTF` and
 * `.BTF.ext` of a unit, whose rows of SECTION have contents. Throws the first rule that they break, with places
 * that start with the section.
 */
export function readUnitTypes(image: Image, unit: number, options: ReadUnitOptions = {}): void {
  const step: ReadStep = options.step ?? ((_, body) => body());
  step('.BTF', () => {
    const row = sectionRow(image, unit, '.BTF');
    if (row !== 0) readTypesAt(image, unit, image.get(SECTION.at, row), image.get(SECTION.size, row));
  });
  step('.BTF.ext', () => {
    const row = image.get(UNIT.typed, unit) === 0 ? 0 : sectionRow(image, unit, '.BTF.ext');
    if (row !== 0) readRecordsAt(image, unit, image.get(SECTION.at, row), image.get(SECTION.size, row));
  });
}

/** The first section of that name; 0 for none. */
function sectionRow(image: Image, unit: number, text: string): number {
  const name = image.intern(text);
  const first = image.get(UNIT.sections, unit);
  const end = first + image.get(UNIT.sectionCount, unit);
  for (let row = first; row < end; row++) if (image.get(SECTION.name, row) === name) return row;
  return 0;
}

/** Reads types at an address (aligned to 8) into a unit. Places start with `section ".BTF"`. */
export function readTypesAt(image: Image, unit: number, at: number, size: number): void {
  const faults = image.count(FAULT);
  image.run(types).readTypes(unit, at, size);
  throwFault(image, unit, faults);
  image.set(UNIT.typed, unit, 1);
}

/** Reads records at an address (aligned to 8) into a unit that has its types. */
export function readRecordsAt(image: Image, unit: number, at: number, size: number): void {
  within('section ".BTF.ext"', () => {
    const faults = image.count(FAULT);
    const length = image.run(blocks).readRecordsHeader(unit, at, size);
    throwFault(image, unit, faults);
    const read = (field: number, name: string, least: number, body: BlockReader): void =>
      within(name, () => readBlock(image, unit, { at, size, field, least }, body));
    read(8, 'func_info', FUNC_INFO_SIZE, ({ block, start, bytes }) =>
      image.run(blocks).readFunctions(unit, block, start, bytes),
    );
    read(16, 'line_info', LINE_INFO_SIZE, ({ block, start, runs }) =>
      image.run(lines).readLines(unit, block, start, runs),
    );
    if (length < 32) return;
    read(24, 'core_relo', CORE_RELO_SIZE, ({ block, start, bytes }) =>
      image.run(blocks).readCore(unit, block, start, bytes),
    );
  });
}

interface BlockPlace {
  readonly at: number;
  readonly size: number;
  /** Offset of the field of the header. */
  readonly field: number;
  /** Bytes of a record. */
  readonly least: number;
}

type BlockReader = (found: { block: number; start: number; bytes: number; runs: number }) => void;

function readBlock(image: Image, unit: number, place: BlockPlace, body: BlockReader): void {
  const { at, size, field, least } = place;
  const faults = image.count(FAULT);
  const kernel = image.run(blocks);
  const bytes = kernel.blockSize(unit, at, size, field);
  throwFault(image, unit, faults);
  if (bytes === 0) return;
  const start = kernel.blockStart(unit, at, field);
  const block = image.run(header).hostWords(at + start, bytes, image.get(UNIT.order, unit));
  const runs = kernel.countRuns(unit, block, start, bytes, least);
  throwFault(image, unit, faults);
  body({ block, start, bytes, runs });
  throwFault(image, unit, faults);
}

/** Throws the first fault of FAULT from `first` on. */
function throwFault(image: Image, _unit: number, first: number): void {
  if (image.count(FAULT) === first || image.count(FAULT) <= 1) return;
  const code: CodeOf<'input'> = 'btf-header';
  throw inputError(code, [], `fault ${image.get(FAULT.code, Math.max(first, 1))}`);
}

// --- on demand ----------------------------------------------------------------------------------------------------

/** The types of a unit, independent of the image. */
export function btfOf(image: Image, unit: number): RawBtf {
  const first = image.get(UNIT.words, unit);
  const words = new Uint32Array(image.words.slice(first, first + image.get(UNIT.wordCount, unit)).buffer);
  const count = image.get(UNIT.typeCount, unit);
  const row = image.get(UNIT.types, unit);
  const start = new Uint32Array(count + 2);
  for (let id = 1; id <= count; id++) start[id] = image.get(TYPE.start, row + id) - first;
  start[count + 1] = words.length;
  const strings = image.get(UNIT.strings, unit);
  return new RawBtf(words, start, image.bytes.slice(strings, strings + image.get(UNIT.stringSize, unit)));
}

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
