/**
 * Types and records as `.BTF` and `.BTF.ext` have them, in host order: TYPE_OUTPUT says where they are.
 *
 * Strings are put in the order of their first use and unused ones are gone, so equal types give equal bytes.
 */

import { TYPE_OUTPUT, UNIT } from '../../image/layout.ts';
import { byte, copy, setByte, setWord, word } from '../../image/memory.ts';
import { putHalf, putWord, putWords } from '../../image/put.kernel.ts';
import { sortRecords } from '../../image/sort-records.kernel.ts';
import { addRows, alloc, allocSpare } from '../../image/tables.kernel.ts';
import { BTF_MAGIC, BTF_VERSION } from '../../uapi/btf.ts';
import { beginStrings, putString } from '../merge/strings.kernel.ts';
import { shapes } from '../model/shapes.kernel.ts';
import { textName } from '../model/texts.kernel.ts';
import { SHAPE_BIT } from '../model/words.ts';
import { BTF_HEADER_SIZE } from './header.ts';

const EXT_HEADER_SIZE = 32;

/** Strings that are remembered by their address. */
const CACHED = 4096;

/**
 * A new row of TYPE_OUTPUT with room for `room` words of types. `strings`: a row of UNIT that has none yet;
 * `stringRoom`: bytes to expect.
 */
export function beginTypes(strings: number, stringRoom: number, room: number): number {
  const output = addRows(TYPE_OUTPUT.count, TYPE_OUTPUT.width, 1);
  beginStrings(strings, stringRoom);
  setWord(word(TYPE_OUTPUT.strings) + output, strings);
  setWord(word(TYPE_OUTPUT.words) + output, allocSpare(room << 2) >> 2);
  setWord(word(TYPE_OUTPUT.room) + output, room);
  setWord(word(TYPE_OUTPUT.cache) + output, alloc(CACHED << 3) >> 2);
  return output;
}

/** Offset of the string at an address in the strings of `unit`. `cache`: word index of TYPE_OUTPUT.cache. */
function putText(cache: number, unit: number, at: number): number {
  if (byte(at) === 0) return 0;
  const slot = cache + (((at ^ (at >>> 12)) & (CACHED - 1)) << 1);
  if (word(slot) === at) return word(slot + 1);
  const offset = putString(textName(unit, at));
  setWord(slot, at);
  setWord(slot + 1, offset);
  return offset;
}

/** Appends the types of a unit; ids stay. There must be room for them. */
export function putTypes(output: number, unit: number): number {
  const count = word(word(UNIT.wordCount) + unit);
  const used = word(word(TYPE_OUTPUT.wordCount) + output);
  const first = word(word(TYPE_OUTPUT.words) + output) + used;
  copy(first << 2, word(word(UNIT.words) + unit) << 2, count << 2);
  putNames(first, first + count, unit, word(word(TYPE_OUTPUT.cache) + output));
  setWord(word(TYPE_OUTPUT.wordCount) + output, used + count);
  return first;
}

/** Puts the names of the types from one word to another, which are offsets of strings of a unit. */
function putNames(first: number, end: number, unit: number, cache: number): number {
  const strings = word(word(UNIT.strings) + unit);
  const shape = shapes();
  let at = first;
  while (at < end) {
    const info = word(at + 1);
    const bits = word(shape + ((info >>> 24) & 0x7f));
    const stride = (bits >>> SHAPE_BIT.perElement) & 7;
    const next = at + (bits & 7) + Math.imul(stride, info & 0xffffff);
    if (next === at) return at;
    if (word(at) !== 0) setWord(at, putText(cache, unit, strings + word(at)));
    const element = (bits >>> SHAPE_BIT.elementName) & 7;
    if (element !== 0)
      for (let name = at + element; name < next; name = name + stride)
        setWord(name, putText(cache, unit, strings + word(name)));
    at = next;
  }
  return at;
}

// --- records ------------------------------------------------------------------------------------------------------

/** Room for the blocks of .BTF.ext: `sections` is how many sections may have records, the rest how many there are. */
export function beginRecords(
  output: number,
  sections: number,
  functions: number,
  lines: number,
  relocations: number,
): number {
  const words = 3 + Math.imul(sections, 6) + (functions << 1) + ((lines + relocations) << 2);
  const first = allocSpare(words << 2) >> 2;
  setWord(word(TYPE_OUTPUT.ext) + output, first);
  setWord(word(TYPE_OUTPUT.extEnd) + output, first);
  return first;
}

/** Begins a block whose records have `size` bytes. */
export function beginBlock(output: number, size: number): number {
  const at = word(word(TYPE_OUTPUT.extEnd) + output);
  setWord(word(TYPE_OUTPUT.block) + output, at);
  setWord(word(TYPE_OUTPUT.run) + output, 0);
  setWord(at, size);
  setWord(word(TYPE_OUTPUT.extEnd) + output, at + 1);
  return at;
}

/** Ends a block and stores its bytes in a column of TYPE_OUTPUT: 0 for one without records, which is left out. */
export function endBlock(output: number, column: number): number {
  const block = word(word(TYPE_OUTPUT.block) + output);
  const end = word(TYPE_OUTPUT.extEnd) + output;
  if (word(end) === block + 1) setWord(end, block);
  const size = (word(end) - block) << 2;
  setWord(word(column) + output, size);
  return size;
}

/** Ends the records of a section: sorts them by offset, and counts them. */
export function endRun(output: number): number {
  const run = word(word(TYPE_OUTPUT.run) + output);
  if (run === 0) return 0;
  const width = word(word(word(TYPE_OUTPUT.block) + output)) >> 2;
  const words = word(word(TYPE_OUTPUT.extEnd) + output) - run - 2;
  const count = width === 2 ? words >> 1 : words >> 2;
  sortRecords(run + 2, count, width);
  setWord(run + 1, count);
  setWord(word(TYPE_OUTPUT.run) + output, 0);
  return count;
}

/** Word index of the next record, of `width` words, of the section with a NAME. */
function nextRecord(output: number, section: number, width: number): number {
  const end = word(TYPE_OUTPUT.extEnd) + output;
  let at = word(end);
  if (word(word(TYPE_OUTPUT.run) + output) === 0) {
    setWord(word(TYPE_OUTPUT.run) + output, at);
    setWord(at, putString(section));
    at = at + 2;
  }
  setWord(end, at + width);
  return at;
}

export function putFunction(output: number, section: number, offset: number, type: number): number {
  const at = nextRecord(output, section, 2);
  setWord(at, offset);
  setWord(at + 1, type);
  return at;
}

/** Copies `count` line records of `unit` from word index `first`; their offsets grow by `shift`. */
export function putLines(
  output: number,
  section: number,
  first: number,
  count: number,
  shift: number,
  unit: number,
): number {
  const strings = word(word(UNIT.strings) + unit);
  let to = nextRecord(output, section, count << 2);
  const cache = word(word(TYPE_OUTPUT.cache) + output);
  const end = first + (count << 2);
  for (let from = first; from < end; from = from + 4) {
    setWord(to, word(from) + shift);
    setWord(to + 1, putText(cache, unit, strings + word(from + 1)));
    setWord(to + 2, putText(cache, unit, strings + word(from + 2)));
    setWord(to + 3, word(from + 3));
    to = to + 4;
  }
  return to;
}

/** `access`: offset of the access string in the strings of `unit`. */
export function putRelocation(
  output: number,
  section: number,
  offset: number,
  type: number,
  unit: number,
  access: number,
  kind: number,
): number {
  const strings = word(word(UNIT.strings) + unit);
  const at = nextRecord(output, section, 4);
  setWord(at, offset);
  setWord(at + 1, type);
  setWord(at + 2, putText(word(word(TYPE_OUTPUT.cache) + output), unit, strings + access));
  setWord(at + 3, kind);
  return at;
}

// --- sections -----------------------------------------------------------------------------------------------------

/** Bytes of `.BTF`. */
export function btfSize(output: number): number {
  const strings = word(word(UNIT.stringSize) + word(word(TYPE_OUTPUT.strings) + output));
  return BTF_HEADER_SIZE + (word(word(TYPE_OUTPUT.wordCount) + output) << 2) + strings;
}

/** Writes `.BTF` at an address that is a multiple of 4. */
export function putBtf(at: number, output: number, order: number): number {
  const count = word(word(TYPE_OUTPUT.wordCount) + output);
  const unit = word(word(TYPE_OUTPUT.strings) + output);
  const strings = word(word(UNIT.stringSize) + unit);
  putMagic(at, BTF_HEADER_SIZE, order);
  putWord(at + 8, 0, order);
  putWord(at + 12, count << 2, order);
  putWord(at + 16, count << 2, order);
  putWord(at + 20, strings, order);
  const end = putWords(at + BTF_HEADER_SIZE, word(word(TYPE_OUTPUT.words) + output), count, order);
  copy(end, word(word(UNIT.strings) + unit), strings);
  return end + strings;
}

/** Bytes of `.BTF.ext`; 0 without a record. */
export function extSize(output: number): number {
  const first = word(word(TYPE_OUTPUT.ext) + output);
  const end = word(word(TYPE_OUTPUT.extEnd) + output);
  return end === first ? 0 : EXT_HEADER_SIZE + ((end - first) << 2);
}

/** Writes `.BTF.ext` at an address that is a multiple of 4. */
export function putExt(at: number, output: number, order: number): number {
  const first = word(word(TYPE_OUTPUT.ext) + output);
  const functions = word(word(TYPE_OUTPUT.functions) + output);
  const lines = word(word(TYPE_OUTPUT.lines) + output);
  putMagic(at, EXT_HEADER_SIZE, order);
  putWord(at + 8, 0, order);
  putWord(at + 12, functions, order);
  putWord(at + 16, functions, order);
  putWord(at + 20, lines, order);
  putWord(at + 24, functions + lines, order);
  putWord(at + 28, word(word(TYPE_OUTPUT.relocations) + output), order);
  return putWords(at + EXT_HEADER_SIZE, first, word(word(TYPE_OUTPUT.extEnd) + output) - first, order);
}

function putMagic(at: number, size: number, order: number): number {
  putHalf(at, BTF_MAGIC, order);
  setByte(at + 2, BTF_VERSION);
  setByte(at + 3, 0);
  return putWord(at + 4, size, order);
}
