/**
 * `.BTF` and `.BTF.ext` into the columns of a unit: runs the kernels that read and check, and makes errors of
 * what they refuse.
 */

import { type RootletError, within } from '../../diag/index.ts';
import { FAULT, type Image, UNIT } from '../../image/index.ts';
import { CORE_RELO_SIZE, FUNC_INFO_SIZE, LINE_INFO_SIZE } from '../../uapi/index.ts';
import * as checks from '../model/check-types.kernel.ts';
import { refusalSince } from '../model/index.ts';
import { sectionError } from './explain.ts';
import * as headers from './header.kernel.ts';
import * as lines from './lines.kernel.ts';
import * as records from './records.kernel.ts';
import * as types from './types.kernel.ts';

/** A section in an image. */
export interface SectionPlace {
  /** Address, aligned to 8. */
  readonly at: number;
  readonly size: number;
}

/** Reads and checks types into a unit. Places start with `section ".BTF"`; the unit is as before after an error. */
export function readTypesAt(image: Image, unit: number, { at, size }: SectionPlace): void {
  within('section ".BTF"', () =>
    refusing(image, unit, TYPE_COLUMNS, () => {
      if (image.run(types).readTypes(unit, at, size) === 0) return;
      image.run(checks).checkTypes(unit, 1);
    }),
  );
  image.set(UNIT.typed, unit, 1);
}

/**
 * The same in one pass, without rows of TYPE and without checking the types, which are known to be valid. `starts`: word
 * index for where each type starts, counted from the first.
 */
export function scanTypesAt(image: Image, unit: number, { at, size }: SectionPlace, starts: number): void {
  within('section ".BTF"', () =>
    refusing(image, unit, TYPE_COLUMNS, () => image.run(types).scanTypes(unit, at, size, starts)),
  );
  image.set(UNIT.typed, unit, 1);
}

/** Reads and checks records into a unit that has types. Places start with `section ".BTF.ext"`. */
export function readRecordsAt(image: Image, unit: number, place: SectionPlace): void {
  within('section ".BTF.ext"', () => {
    let length = 0;
    refusing(image, unit, RECORD_COLUMNS, () => {
      length = image.run(records).readRecordsHeader(unit, place.at, place.size);
    });
    for (const block of BLOCKS) {
      if (block.field + 8 <= length) within(block.name, () => readBlock(image, unit, place, block));
    }
  });
}

const TYPE_COLUMNS = [
  UNIT.types,
  UNIT.typeCount,
  UNIT.words,
  UNIT.wordCount,
  UNIT.strings,
  UNIT.stringSize,
] as const;

const RECORD_COLUMNS = [
  UNIT.functionInfos,
  UNIT.functionInfoCount,
  UNIT.lineInfos,
  UNIT.lineInfoCount,
  UNIT.coreInfos,
  UNIT.coreInfoCount,
] as const;

/** Throws what `body` refuses; `columns` of the unit are 0 then. */
function refusing(image: Image, unit: number, columns: readonly number[], body: () => void): void {
  const known = image.count(FAULT);
  body();
  const refusal = refusalSince(image, known);
  if (refusal === undefined) return;
  const error: RootletError = sectionError(image, unit, refusal);
  for (const column of columns) image.set(column, unit, 0);
  throw error;
}

/** A block of records in an image. */
interface Block {
  /** Address, in host order. */
  readonly at: number;
  /** Offset in the section. */
  readonly start: number;
  readonly size: number;
  readonly runs: number;
}

/** A block of `.BTF.ext`. */
interface BlockKind {
  readonly name: string;
  /** Offset of its place in the header. */
  readonly field: number;
  /** Least size of a record. */
  readonly least: number;
  readonly read: (image: Image, unit: number, block: Block) => number;
}

const BLOCKS: readonly BlockKind[] = [
  {
    name: 'func_info',
    field: 8,
    least: FUNC_INFO_SIZE,
    read: (image, unit, { at, start, size }) => image.run(records).readFunctions(unit, at, start, size),
  },
  {
    name: 'line_info',
    field: 16,
    least: LINE_INFO_SIZE,
    read: (image, unit, { at, start, runs }) => image.run(lines).readLines(unit, at, start, runs),
  },
  {
    name: 'core_relo',
    field: 24,
    least: CORE_RELO_SIZE,
    read: (image, unit, { at, start, size }) => image.run(records).readCore(unit, at, start, size),
  },
];

function readBlock(image: Image, unit: number, section: SectionPlace, kind: BlockKind): void {
  refusing(image, unit, RECORD_COLUMNS, () => {
    const { blockSize, blockStart, countRuns } = image.run(records);
    const size = blockSize(unit, section.at, section.size, kind.field);
    if (size === 0) return;
    const start = blockStart(unit, section.at, kind.field);
    const at = image.run(headers).hostWords(section.at + start, size, image.get(UNIT.order, unit));
    const runs = countRuns(unit, at, start, size, kind.least);
    if (runs >= 0) kind.read(image, unit, { at, start, size, runs });
  });
}
