/**
 * The lines of `.BTF.ext` to LINE_INFO: one row for each section, its records in order of offset.
 *
 * Records stay where they are when they are the only ones of their section, of the known size and sorted.
 */

import { LINE_INFO, NAME, UNIT } from '../../image/layout.ts';
import { copy, setWord, word } from '../../image/memory.ts';
import { sortRecords } from '../../image/sort-records.kernel.ts';
import { addRows, alloc, fault } from '../../image/tables.kernel.ts';
import { INSN_SIZE } from '../../uapi/sizes.ts';
import { TYPE_FAULT } from '../model/faults.ts';
import { textName } from '../model/texts.kernel.ts';
import { instructionFault } from './records.kernel.ts';

/** Bytes of a record, and words. */
const LINE_SIZE = 16;

/** Reads a block of lines with `runs` runs. 1, or 0 after a fault. */
export function readLines(unit: number, block: number, start: number, runs: number): number {
  const list = alloc(runs << 3) >> 2;
  const first = listRuns(unit, block, runs, list);
  const end = word(LINE_INFO.count);
  setWord(word(UNIT.lineInfos) + unit, first);
  for (let row = first; row < end; row = row + 1) {
    if (readSection(unit, block, start, row, list) === 0) return 0;
  }
  setWord(word(UNIT.lineInfoCount) + unit, end - first);
  return 1;
}

/**
 * Adds a row for each section in order of appearance, with the sum of its records, and returns the first.
 * LINE_INFO.lines becomes the number of the section's first run, counted from 1. Two words of `list` for each
 * run: address, number of the section's next run or 0.
 */
function listRuns(unit: number, block: number, runs: number, list: number): number {
  const strings = word(word(UNIT.strings) + unit);
  const recordSize = word(block >> 2);
  const first = addRows(LINE_INFO.count, LINE_INFO.width, 0);
  let at = block + 4;
  for (let run = 0; run < runs; run = run + 1) {
    const count = word((at + 4) >> 2);
    const row = sectionRow(textName(unit, strings + word(at >> 2)), first);
    setWord(list + run + run, at);
    setWord(word(LINE_INFO.lineCount) + row, word(word(LINE_INFO.lineCount) + row) + count);
    at = at + 8 + Math.imul(count, recordSize);
  }
  for (let run = runs; run > 0; run = run - 1) {
    const row = sectionRow(textName(unit, strings + word(word(list + run + run - 2) >> 2)), first);
    setWord(list + run + run - 1, word(word(LINE_INFO.lines) + row));
    setWord(word(LINE_INFO.lines) + row, run);
  }
  return first;
}

/** The row of LINE_INFO, from `first` on, of a section: the one that there is, or a new one. */
function sectionRow(section: number, first: number): number {
  const known = word(word(NAME.lines) + section);
  if (known >= first && word(word(LINE_INFO.section) + known) === section) return known;
  const row = addRows(LINE_INFO.count, LINE_INFO.width, 1);
  setWord(word(LINE_INFO.section) + row, section);
  setWord(word(NAME.lines) + section, row);
  return row;
}

/** Checks the records of a section and brings them together, in order. 1, or 0 after a fault. */
function readSection(unit: number, block: number, start: number, row: number, list: number): number {
  const count = word(word(LINE_INFO.lineCount) + row);
  const recordSize = word(block >> 2);
  let run = word(word(LINE_INFO.lines) + row);
  let at = word(list + run + run - 2);
  const stays = recordSize === LINE_SIZE && word(list + run + run - 1) === 0 ? 1 : 0;
  const lines = stays === 1 ? (at + 8) >> 2 : alloc(count << 4) >> 2;
  let to = lines;
  while (run !== 0) {
    at = word(list + run + run - 2);
    const records = word((at + 4) >> 2);
    if (checkLines(unit, at + 8, start + at + 8 - block, records, recordSize) === 0) return 0;
    if (stays === 0) to = copyLines(to, at + 8, records, recordSize);
    run = word(list + run + run - 1);
  }
  setWord(word(LINE_INFO.lines) + row, isSorted(lines, count) === 1 ? lines : sorted(lines, count));
  return 1;
}

/** Checks records from the address `at` on, which is after the name of their section. */
function checkLines(unit: number, at: number, offset: number, count: number, recordSize: number): number {
  const section = word(word(UNIT.strings) + unit) + word((at - 8) >> 2);
  const limit = word(word(UNIT.stringSize) + unit);
  let record = at;
  for (let left = count; left > 0; left = left - 1) {
    const place = offset + record - at;
    const w = record >> 2;
    if ((word(w) & (INSN_SIZE - 1)) !== 0)
      return instructionFault(unit, record, place, textName(unit, section));
    if (word(w + 1) >>> 0 >= limit >>> 0) return fault(TYPE_FAULT.recordString, unit, place + 4, word(w + 1));
    if (word(w + 2) >>> 0 >= limit >>> 0) return fault(TYPE_FAULT.recordString, unit, place + 8, word(w + 2));
    record = record + recordSize;
  }
  return 1;
}

/** Copies the known part of records to a word index; returns where the next ones go. */
function copyLines(to: number, from: number, count: number, recordSize: number): number {
  let record = from;
  let end = to;
  for (let left = count; left > 0; left = left - 1) {
    copy(end << 2, record, LINE_SIZE);
    record = record + recordSize;
    end = end + 4;
  }
  return end;
}

// --- order --------------------------------------------------------------------------------------------------------

function isSorted(lines: number, count: number): number {
  const end = lines + (count << 2);
  for (let at = lines + 4; at < end; at = at + 4) if (word(at) >>> 0 < word(at - 4) >>> 0) return 0;
  return 1;
}

/** Word index of a copy of `count` records in order of offset; those of one instruction keep their order. */
function sorted(lines: number, count: number): number {
  const result = alloc(count << 4) >> 2;
  copy(result << 2, lines << 2, count << 4);
  flipSigns(result, count);
  sortRecords(result, count, LINE_SIZE >> 2);
  return flipSigns(result, count);
}

/** Offsets are unsigned, records are sorted by a signed word: changes the sign of all offsets. */
function flipSigns(lines: number, count: number): number {
  const end = lines + (count << 2);
  for (let at = lines; at < end; at = at + 4) setWord(at, word(at) ^ 0x80000000);
  return lines;
}
