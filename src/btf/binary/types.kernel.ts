/**
 * `.BTF` to types: the parts of the section, and where each type starts.
 *
 * The words stay where they are if they are aligned and in host order.
 */

import { getWord } from '../../image/get.kernel.ts';
import { TYPE, UNIT } from '../../image/layout.ts';
import { byte, setWord, word } from '../../image/memory.ts';
import { addRows, fault } from '../../image/tables.kernel.ts';
import { fault3 } from '../model/fault.kernel.ts';
import { TYPE_FAULT } from '../model/faults.ts';
import { shapes } from '../model/shapes.kernel.ts';
import { hostWords, readHeader, requireZeros } from './header.kernel.ts';

/** The header with a layout section (2026): two more words than the one that every reader supports. */
const LAYOUT_HEADER_SIZE = 32;

/** Reads the types of a section into UNIT and TYPE, without checking them. 1, or 0 after a fault. */
export function readTypes(unit: number, at: number, size: number): number {
  if (readParts(unit, at, size) === 0) return 0;
  const offset = typeOffset(unit, at);
  const next = walkTypes(unit, offset, 0, 0);
  if (next === 0) return 0;
  const types = addRows(TYPE.count, TYPE.width, next);
  setWord(word(UNIT.types) + unit, types);
  return walkTypes(unit, offset, word(TYPE.start) + types, 0);
}

/**
 * Reads the types of a section into UNIT in one pass. Where each starts, counted from the first, goes to the words at
 * `starts`, one for each id from 0 and one for the end of the last. 1, or 0 after a fault.
 */
export function scanTypes(unit: number, at: number, size: number, starts: number): number {
  if (readParts(unit, at, size) === 0) return 0;
  return walkTypes(unit, typeOffset(unit, at), starts, word(word(UNIT.words) + unit));
}

/** Where the types are in the section. */
function typeOffset(unit: number, at: number): number {
  const order = word(word(UNIT.order) + unit);
  return getWord(at + 4, order) + getWord(at + 8, order);
}

/** The words and strings of a unit, by the header of its section. 1, or 0 after a fault. */
function readParts(unit: number, at: number, size: number): number {
  const length = readHeader(unit, at, size);
  if (length === 0 || requireZeros(unit, at, LAYOUT_HEADER_SIZE, length) === 0) return 0;
  if (checkRanges(unit, at, size - length, length) === 0) return 0;
  const order = word(word(UNIT.order) + unit);
  const body = at + length;
  const strings = getWord(at + 16, order);
  const stringSize = getWord(at + 20, order);
  const typeSize = getWord(at + 12, order);
  const words = hostWords(body + getWord(at + 8, order), typeSize, order) >> 2;
  if (checkStrings(unit, body + strings, stringSize, length + strings) === 0) return 0;
  setWord(word(UNIT.strings) + unit, body + strings);
  setWord(word(UNIT.stringSize) + unit, stringSize);
  setWord(word(UNIT.words) + unit, words);
  setWord(word(UNIT.wordCount) + unit, typeSize >> 2);
  return 1;
}

/** Where types and strings are, by the header, which `room` bytes follow. */
function checkRanges(unit: number, at: number, room: number, length: number): number {
  const order = word(word(UNIT.order) + unit);
  const types = getWord(at + 8, order);
  const typeSize = getWord(at + 12, order);
  const strings = getWord(at + 16, order);
  const stringSize = getWord(at + 20, order);
  if (isInside(types, typeSize, room) === 0) return fault3(TYPE_FAULT.typeRange, unit, types, typeSize, room);
  if (isInside(strings, stringSize, room) === 0)
    return fault3(TYPE_FAULT.stringRange, unit, strings, stringSize, room);
  if (((types | typeSize) & 3) !== 0) return fault(TYPE_FAULT.typeMultiple, unit, types, typeSize);
  if (types + typeSize > strings && strings + stringSize > types && typeSize > 0)
    return fault(TYPE_FAULT.overlap, unit, 0, 0);
  if (length < LAYOUT_HEADER_SIZE) return 1;
  const layout = getWord(at + 24, order);
  const layoutSize = getWord(at + 28, order);
  if (isInside(layout, layoutSize, room) === 1) return 1;
  return fault3(TYPE_FAULT.layoutRange, unit, layout, layoutSize, room);
}

function isInside(offset: number, size: number, room: number): number {
  return size >= 0 && size <= room && offset >= 0 && offset <= room - size ? 1 : 0;
}

/** Strings begin with the empty one and end with a NUL. `offset`: where they are in the section. */
function checkStrings(unit: number, at: number, size: number, offset: number): number {
  if (size === 0 || byte(at) !== 0) return fault(TYPE_FAULT.firstString, unit, offset, 0);
  if (byte(at + size - 1) !== 0) return fault(TYPE_FAULT.lastString, unit, offset + size, 0);
  return 1;
}

/**
 * Walks over all types, and writes where each starts, less `base`, to the word of its id at `starts` if that is not 0.
 * The id after that of the last type; 0 after a fault: an unknown kind, or a type that does not fit. `offset`: of the
 * types in the section.
 */
function walkTypes(unit: number, offset: number, starts: number, base: number): number {
  const shape = shapes();
  const words = word(word(UNIT.words) + unit);
  const end = words + word(word(UNIT.wordCount) + unit);
  let id = 1;
  let at = words;
  while (at < end) {
    if (at + 1 >= end) return fault3(TYPE_FAULT.typeCut, unit, id, at - words, offset);
    const info = word(at + 1);
    const form = word(shape + ((info >>> 24) & 0x7f));
    if (form === 0) return fault3(TYPE_FAULT.kindUnknown, unit, id, at - words, offset);
    const next = at + (form & 7) + Math.imul((form >> 3) & 7, info & 0xffffff);
    if (next > end) return fault3(TYPE_FAULT.elementsCut, unit, id, at - words, offset);
    if (starts !== 0) setWord(starts + id, at - base);
    at = next;
    id = id + 1;
  }
  if (base !== 0) setWord(starts + id, at - base);
  setWord(word(UNIT.typeCount) + unit, id - 1);
  return id;
}
