/**
 * Line records and CO-RE relocations of functions; those in holes are dropped. And what aliases have of the atoms
 * that they are other names of.
 */

import { ATOM, CORE_INFO, LINE_INFO, RECORD, UNIT } from '../../../image/layout.ts';
import { setWord, word } from '../../../image/memory.ts';
import { sortRows } from '../../../image/sort.kernel.ts';
import { addRows } from '../../../image/tables.kernel.ts';
import { atomFrom, endOfAtoms, firstAtom } from './atoms.kernel.ts';
import { READER } from './reader.ts';
import { isCode } from './sections.kernel.ts';
import { room } from './state.kernel.ts';
import { keptSection } from './types.kernel.ts';

const LINE_WORDS = 4;

export function attachRecords(unit: number): number {
  const first = word(word(UNIT.lineInfos) + unit);
  const end = first + word(word(UNIT.lineInfoCount) + unit);
  for (let row = first; row < end; row = row + 1) {
    const section = keptSection(unit, word(word(LINE_INFO.section) + row));
    if (section !== 0 && isCode(section) === 1) attachLines(section, row);
  }
  return attachCore(unit);
}

/** Lines and functions both come in order of offset. */
function attachLines(section: number, row: number): number {
  let line = word(word(LINE_INFO.lines) + row);
  const last = line + (word(word(LINE_INFO.lineCount) + row) << 2);
  const end = endOfAtoms(section);
  for (let atom = firstAtom(section); atom < end; atom = atom + 1) {
    if (word(word(ATOM.owner) + atom) !== 0) continue;
    const start = word(word(ATOM.offset) + atom);
    const after = start + word(word(ATOM.size) + atom);
    while (line < last && word(line) >>> 0 < start >>> 0) line = line + LINE_WORDS;
    const from = line;
    while (line < last && word(line) >>> 0 < after >>> 0) line = line + LINE_WORDS;
    setWord(word(ATOM.lines) + atom, from);
    setWord(word(ATOM.lineCount) + atom, (line - from) >> 2);
    setWord(word(ATOM.lineBase) + atom, start);
  }
  return line;
}

/** Rows of RECORD by function, in order of instruction; those of one instruction in the order of the file. */
function attachCore(unit: number): number {
  const first = word(word(UNIT.coreInfos) + unit);
  const count = word(word(UNIT.coreInfoCount) + unit);
  if (count === 0) return 0;
  const owners = room(READER.owners, count);
  let kept = 0;
  for (let i = 0; i < count; i = i + 1) {
    const atom = functionAt(unit, first + i);
    setWord(owners + i, atom);
    if (atom === 0) continue;
    setWord(word(ATOM.recordCount) + atom, word(word(ATOM.recordCount) + atom) + 1);
    kept = kept + 1;
  }
  placeRecords(unit, addRows(RECORD.count, RECORD.width, kept));
  for (let i = 0; i < count; i = i + 1) {
    const atom = word(owners + i);
    if (atom !== 0) addRecord(atom, first + i);
  }
  return orderRecords(unit);
}

/** The function that a row of CORE_INFO is in; 0 for none. */
function functionAt(unit: number, row: number): number {
  const section = keptSection(unit, word(word(CORE_INFO.section) + row));
  if (section === 0 || isCode(section) === 0) return 0;
  const offset = word(word(CORE_INFO.offset) + row);
  const atom = atomFrom(section, offset);
  if (atom === 0) return 0;
  const distance = offset - word(word(ATOM.offset) + atom);
  return distance >>> 0 < word(word(ATOM.size) + atom) >>> 0 ? atom : 0;
}

/** Gives each atom its rows from `row` on, and none of them filled yet. */
function placeRecords(unit: number, row: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  for (let atom = first; atom < end; atom = atom + 1) {
    const count = word(word(ATOM.recordCount) + atom);
    if (count === 0) continue;
    setWord(word(ATOM.records) + atom, row);
    setWord(word(ATOM.recordCount) + atom, 0);
    row = row + count;
  }
  return row;
}

function addRecord(atom: number, info: number): number {
  const filled = word(word(ATOM.recordCount) + atom);
  const row = word(word(ATOM.records) + atom) + filled;
  setWord(
    word(RECORD.place) + row,
    (word(word(CORE_INFO.offset) + info) - word(word(ATOM.offset) + atom)) >> 3,
  );
  setWord(word(RECORD.type) + row, word(word(CORE_INFO.type) + info));
  setWord(word(RECORD.access) + row, word(word(CORE_INFO.access) + info));
  setWord(word(RECORD.kind) + row, word(word(CORE_INFO.kind) + info));
  setWord(word(ATOM.recordCount) + atom, filled + 1);
  return row;
}

function orderRecords(unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  for (let atom = first; atom < end; atom = atom + 1) {
    const count = word(word(ATOM.recordCount) + atom);
    if (count > 1) orderRows(word(word(ATOM.records) + atom), count);
  }
  return end;
}

function orderRows(first: number, count: number): number {
  let sorted = 1;
  const places = word(RECORD.place) + first;
  for (let i = 1; i < count; i = i + 1) if (word(places + i) < word(places + i - 1)) sorted = 0;
  if (sorted === 1) return 1;
  const order = room(READER.sorted, count);
  for (let i = 0; i < count; i = i + 1) setWord(order + i, i);
  sortRows(order, count, places);
  const saved = room(READER.scratch, count);
  // the column of places is the key: it is put in order last
  for (let column = RECORD.width - 1; column >= 0; column = column - 1) {
    const words = word(RECORD.first + column) + first;
    for (let i = 0; i < count; i = i + 1) setWord(saved + i, word(words + word(order + i)));
    for (let i = 0; i < count; i = i + 1) setWord(words + i, word(saved + i));
  }
  return count;
}

/** Gives aliases the contents of the atoms that they are other names of, once those are complete. */
export function completeAliases(unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  for (let atom = first; atom < end; atom = atom + 1) {
    const owner = word(word(ATOM.owner) + atom);
    if (owner === 0) continue;
    for (let column = ATOM.references; column <= ATOM.recordCount; column = column + 1)
      setWord(word(column) + atom, word(word(column) + owner));
  }
  return end;
}
