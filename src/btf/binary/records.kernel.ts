/**
 * `.BTF.ext` to FUNCTION_INFO and CORE_INFO. Each block has runs: the name of a section, a number of records,
 * the records, which may be longer than what is read here.
 *
 * `block` is the address of a block in host order, `start` its offset in the section, `size` its bytes.
 */

import { getWord } from '../../image/get.kernel.ts';
import { CORE_INFO, FUNCTION_INFO, TYPE, UNIT } from '../../image/layout.ts';
import { byte, setWord, word } from '../../image/memory.ts';
import { addRows, fault } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { INSN_SIZE } from '../../uapi/sizes.ts';
import { fault3, fault4 } from '../model/fault.kernel.ts';
import { TYPE_FAULT } from '../model/faults.ts';
import { KINDS } from '../model/kinds.ts';
import { productOverflows } from '../model/numbers.kernel.ts';
import { textName } from '../model/texts.kernel.ts';
import { readHeader, requireZeros } from './header.kernel.ts';

/** The header with CO-RE relocations; it is shorter in files before them. */
const HEADER_WITH_CORE = 32;
/** enum bpf_core_relo_kind ends with BPF_CORE_TYPE_MATCHES. */
const LAST_CORE_KIND = 12;
/** BPF_CORE_SPEC_MAX_LEN of kernel and libbpf. */
const MAX_ACCESS_DEPTH = 64;
/** Digits of an index. */
const MAX_DIGITS = 9;

/** Length of the header of `.BTF.ext`; 0 after a fault. */
export function readRecordsHeader(unit: number, at: number, size: number): number {
  const length = readHeader(unit, at, size);
  if (length === 0) return 0;
  if ((length & 3) !== 0) return fault(TYPE_FAULT.headerMultiple, unit, length, 0);
  return requireZeros(unit, at, HEADER_WITH_CORE, length) === 0 ? 0 : length;
}

/** Bytes of the block whose offset and length are at `field` of the header; 0: none, or a fault. */
export function blockSize(unit: number, at: number, size: number, field: number): number {
  const order = word(word(UNIT.order) + unit);
  const header = getWord(at + 4, order);
  const offset = getWord(at + field, order);
  const length = getWord(at + field + 4, order);
  if (length === 0) return 0;
  const room = size - header;
  if (length < 0 || length > room || offset < 0 || offset > room - length)
    return fault4(TYPE_FAULT.blockRange, unit, offset, length, header, size);
  if (length < 4) return fault(TYPE_FAULT.recordSizeCut, unit, header + offset, 0);
  return length;
}

/** Offset in the section of that block. */
export function blockStart(unit: number, at: number, field: number): number {
  const order = word(word(UNIT.order) + unit);
  return getWord(at + 4, order) + getWord(at + field, order);
}

/** Number of runs; -1 after a fault: the runs do not fit in the block, or a name not in the strings. */
export function countRuns(unit: number, block: number, start: number, size: number, least: number): number {
  const recordSize = word(block >> 2);
  if (recordSize >>> 0 < least >>> 0 || (recordSize & 3) !== 0)
    return fault3(TYPE_FAULT.recordSize, unit, start, recordSize, least) - 1;
  const end = block + size;
  let runs = 0;
  let at = block + 4;
  while (at < end) {
    const next = runEnd(unit, block, start, at, end);
    if (next === 0) return -1;
    at = next;
    runs = runs + 1;
  }
  return runs;
}

/** Where the run at `at` ends; 0 after a fault. */
function runEnd(unit: number, block: number, start: number, at: number, end: number): number {
  const offset = start + at - block;
  if (end - at < 8) return fault(TYPE_FAULT.runCut, unit, offset, 0);
  if (isString(unit, word(at >> 2)) === 0) return fault(TYPE_FAULT.recordString, unit, offset, word(at >> 2));
  const count = word((at + 4) >> 2);
  const recordSize = word(block >> 2);
  const room = end - at - 8;
  if (count === 0) return at + 8;
  if (fits(count, recordSize, room) === 1) return at + 8 + Math.imul(count, recordSize);
  return fault4(TYPE_FAULT.recordsCut, unit, offset, count, recordSize, room);
}

/** 1 when `count` records fit in `room` bytes. */
function fits(count: number, recordSize: number, room: number): number {
  if (productOverflows(count, recordSize) === 1) return 0;
  return room >>> 0 < Math.imul(count, recordSize) >>> 0 ? 0 : 1;
}

/** 1 when a string of the unit starts at `offset`. */
export function isString(unit: number, offset: number): number {
  return offset >>> 0 < word(word(UNIT.stringSize) + unit) >>> 0 ? 1 : 0;
}

/** 0 after a fault: the record at `at` is not of an instruction of `section`. */
export function isInstruction(unit: number, at: number, offset: number, section: number): number {
  if ((word(at >> 2) & (INSN_SIZE - 1)) === 0) return 1;
  return instructionFault(unit, at, offset, section);
}

export function instructionFault(unit: number, at: number, offset: number, section: number): number {
  return fault3(TYPE_FAULT.instructionOffset, unit, offset, word(at >> 2), section);
}

/** 0 after a fault: the word at an address is not the id of a type. */
function isType(unit: number, at: number, offset: number): number {
  const type = word(at >> 2);
  if (type > 0 && type <= word(word(UNIT.typeCount) + unit)) return 1;
  return fault(TYPE_FAULT.recordType, unit, offset, type);
}

/** Reads a block of functions whose runs have been counted. 1, or 0 after a fault. */
export function readFunctions(unit: number, block: number, start: number, size: number): number {
  const recordSize = word(block >> 2);
  const strings = word(word(UNIT.strings) + unit);
  setWord(word(UNIT.functionInfos) + unit, addRows(FUNCTION_INFO.count, FUNCTION_INFO.width, 0));
  let at = block + 4;
  while (at < block + size) {
    const section = textName(unit, strings + word(at >> 2));
    const count = word((at + 4) >> 2);
    let row = addRows(FUNCTION_INFO.count, FUNCTION_INFO.width, count);
    const end = row + count;
    at = at + 8;
    while (row < end) {
      if (readFunction(unit, at, start + at - block, section, row) === 0) return 0;
      at = at + recordSize;
      row = row + 1;
    }
  }
  const rows = word(FUNCTION_INFO.count) - word(word(UNIT.functionInfos) + unit);
  setWord(word(UNIT.functionInfoCount) + unit, rows);
  return 1;
}

function readFunction(unit: number, at: number, offset: number, section: number, row: number): number {
  if (isInstruction(unit, at, offset, section) === 0) return 0;
  if (isType(unit, at + 4, offset + 4) === 0) return 0;
  const type = word((at + 4) >> 2);
  if (kindOf(unit, type) !== BTF_KIND.FUNC) return fault(TYPE_FAULT.functionType, unit, offset, type);
  setWord(word(FUNCTION_INFO.section) + row, section);
  setWord(word(FUNCTION_INFO.offset) + row, word(at >> 2));
  setWord(word(FUNCTION_INFO.type) + row, type);
  return 1;
}

function kindOf(unit: number, type: number): number {
  const start = word(word(TYPE.start) + word(word(UNIT.types) + unit) + type);
  return (word(start + 1) >>> 24) & 0x7f;
}

/** Reads a block of CO-RE relocations whose runs have been counted. 1, or 0 after a fault. */
export function readCore(unit: number, block: number, start: number, size: number): number {
  const recordSize = word(block >> 2);
  const strings = word(word(UNIT.strings) + unit);
  setWord(word(UNIT.coreInfos) + unit, addRows(CORE_INFO.count, CORE_INFO.width, 0));
  let at = block + 4;
  while (at < block + size) {
    const section = textName(unit, strings + word(at >> 2));
    const count = word((at + 4) >> 2);
    let row = addRows(CORE_INFO.count, CORE_INFO.width, count);
    const end = row + count;
    at = at + 8;
    while (row < end) {
      if (readRelocation(unit, at, start + at - block, section, row) === 0) return 0;
      at = at + recordSize;
      row = row + 1;
    }
  }
  setWord(word(UNIT.coreInfoCount) + unit, word(CORE_INFO.count) - word(word(UNIT.coreInfos) + unit));
  return 1;
}

function readRelocation(unit: number, at: number, offset: number, section: number, row: number): number {
  if (isInstruction(unit, at, offset, section) === 0) return 0;
  if (isType(unit, at + 4, offset + 4) === 0) return 0;
  const access = word((at + 8) >> 2);
  const kind = word((at + 12) >> 2);
  const type = word((at + 4) >> 2);
  if (((KINDS.declarations >> kindOf(unit, type)) & 1) !== 0)
    return fault(TYPE_FAULT.coreType, unit, offset + 4, type);
  if (isString(unit, access) === 0) return fault(TYPE_FAULT.recordString, unit, offset + 8, access);
  if (kind < 0 || kind > LAST_CORE_KIND) return fault(TYPE_FAULT.coreKind, unit, offset, kind);
  if (isAccessPath(word(word(UNIT.strings) + unit) + access) === 0)
    return fault(TYPE_FAULT.coreAccess, unit, offset, access);
  setWord(word(CORE_INFO.section) + row, section);
  setWord(word(CORE_INFO.offset) + row, word(at >> 2));
  setWord(word(CORE_INFO.type) + row, type);
  setWord(word(CORE_INFO.access) + row, access);
  setWord(word(CORE_INFO.kind) + row, kind);
  return 1;
}

/** 1 for decimal numbers of up to 9 digits, at most 64, with single colons between. */
function isAccessPath(text: number): number {
  let at = text;
  for (let depth = 0; depth < MAX_ACCESS_DEPTH; depth = depth + 1) {
    const first = at;
    while (at - first <= MAX_DIGITS && byte(at) >= 0x30 && byte(at) <= 0x39) at = at + 1;
    if (at === first || at - first > MAX_DIGITS) return 0;
    if (byte(at) === 0) return 1;
    if (byte(at) !== 0x3a) return 0;
    at = at + 1;
  }
  return 0;
}
