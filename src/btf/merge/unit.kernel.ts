/**
 * The types of several units as those of one: what survives keeps the order of units and of ids in them.
 *
 * Data sections are left out, since they describe a layout, and the caller makes new ones; so are types with a
 * TYPE.redirect, and declaration tags on them: those of a loser are not moved to the winner, whose interface
 * they would change.
 */

import { HEADER, TYPE, UNIT } from '../../image/layout.ts';
import { byte, setWord, word } from '../../image/memory.ts';
import { addRows, alloc, fault } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { MERGE_FAULT } from './faults.ts';
import { endOfRedirects } from './intern.kernel.ts';
import { findSame } from './same.kernel.ts';
import { isEnumForward, referenceShape, referencesOf, typeWords } from './shape.kernel.ts';
import { beginStrings, putString } from './strings.kernel.ts';

/**
 * Gives unit `result` the types of the units `first` to `last`, for which `findSame` ran, and fills their
 * TYPE.result. Its strings are those of HEADER.stringUnit afterwards, so that more can be put. Returns 1; or 0 with a
 * fault.
 */
export function mergeUnitTypes(first: number, last: number, result: number): number {
  // types that are made of redirected functions become equal
  if (word(HEADER.functionTypes) === 1 && findSame(first, last) === 0) return 0;
  let count = 0;
  for (let unit = first; unit <= last; unit = unit + 1) count = numberSurvivors(unit, count);
  let size = 0;
  for (let unit = first; unit <= last; unit = unit + 1) size = size + numberOthers(unit);
  beginTypes(result, count, size);
  beginStrings(result, size);
  let to = word(word(UNIT.words) + result);
  for (let unit = first; unit <= last && to !== 0; unit = unit + 1) to = writeTypes(unit, result, to);
  return to === 0 ? 0 : 1;
}

/** Numbers the types of a unit that represent themselves, from `count` + 1 on. */
function numberSurvivors(unit: number, count: number): number {
  const types = word(word(UNIT.types) + unit);
  const end = types + word(word(UNIT.typeCount) + unit);
  const same = word(TYPE.same);
  const result = word(TYPE.result);
  let number = count;
  for (let row = types + 1; row <= end; row = row + 1) {
    setWord(result + row, 0);
    if (word(same + row) !== row || isKept(row, types) === 0) continue;
    number = number + 1;
    setWord(result + row, number);
  }
  return number;
}

function isKept(row: number, types: number): number {
  if (word(word(TYPE.own) + row) === 0) return 0;
  const redirect = word(TYPE.redirect);
  if (word(redirect + row) !== 0) return 0;
  const at = word(word(TYPE.start) + row);
  if (((word(at + 1) >>> 24) & 0x7f) !== BTF_KIND.DECL_TAG) return 1;
  return word(redirect + types + word(at + 2)) === 0 ? 1 : 0;
}

/** The others have the number of what represents them. Returns the words of those that survive. */
function numberOthers(unit: number): number {
  const types = word(word(UNIT.types) + unit);
  const end = types + word(word(UNIT.typeCount) + unit);
  const same = word(TYPE.same);
  const result = word(TYPE.result);
  const redirect = word(TYPE.redirect);
  let size = 0;
  for (let row = types + 1; row <= end; row = row + 1) {
    if (word(same + row) === row && word(result + row) !== 0) {
      size = size + typeWords(word(word(word(TYPE.start) + row) + 1));
    } else if (word(redirect + row) >= 0) {
      const target = word(redirect + row) > 0 ? endOfRedirects(row) : row;
      setWord(result + row, word(result + word(same + target)));
    }
  }
  return size;
}

function beginTypes(unit: number, count: number, size: number): number {
  const words = alloc(size << 2) >> 2;
  const types = addRows(TYPE.count, TYPE.width, count + 1);
  setWord(word(UNIT.types) + unit, types);
  setWord(word(UNIT.typeCount) + unit, count);
  setWord(word(UNIT.typed) + unit, 1);
  setWord(word(UNIT.words) + unit, words);
  setWord(word(UNIT.wordCount) + unit, size);
  return types;
}

/** Writes what survives of a unit at `at`. Returns the word after them; or 0 with a fault. */
function writeTypes(unit: number, result: number, at: number): number {
  const types = word(word(UNIT.types) + unit);
  const end = types + word(word(UNIT.typeCount) + unit);
  const rows = word(word(UNIT.types) + result);
  const own = word(TYPE.own);
  const kinds = word(HEADER.typeKinds);
  let to = at;
  for (let row = types + 1; row <= end; row = row + 1) {
    const number = word(word(TYPE.result) + row);
    if (number === 0) continue;
    const from = word(own + row);
    if (word(word(TYPE.same) + row) !== row) {
      // its name has its place in the strings even when what it is one with comes later
      if (isForward(byte(kinds + row), from) === 1) putString(word(from));
      continue;
    }
    if (word(word(TYPE.redirect) + row) !== 0) continue;
    setWord(word(TYPE.start) + rows + number, to);
    to = writeType(from, to);
    if (to === 0) return fault(MERGE_FAULT.dropped, unit, row - types, 0);
  }
  return to;
}

/** `kind`: of the type at `at`, 0 when it takes no part. */
function isForward(kind: number, at: number): number {
  if (kind === BTF_KIND.FWD) return 1;
  if (kind !== BTF_KIND.ENUM && kind !== BTF_KIND.ENUM64) return 0;
  return isEnumForward(word(at + 1), word(at));
}

/** Writes the type whose copy is at `from`. Returns the word after it; 0 when it refers to what is gone. */
function writeType(from: number, to: number): number {
  const info = word(from + 1);
  const kind = (info >>> 24) & 0x7f;
  const size = typeWords(info);
  setWord(to, putString(word(from)));
  for (let i = 1; i < size; i = i + 1) setWord(to + i, word(from + i));
  writeNames(kind, to, to + size);
  const shape = referenceShape(kind);
  let reference = to + (shape & 15);
  for (let left = referencesOf(shape, info); left > 0; left = left - 1) {
    const row = word(reference);
    const number = word(word(TYPE.result) + word(word(TYPE.same) + row));
    if (number === 0 && word(word(TYPE.start) + row) !== 0) return 0;
    setWord(reference, number);
    reference = reference + ((shape >>> 4) & 15);
  }
  return to + size;
}

/** Names of members, parameters and enumerators. */
function writeNames(kind: number, at: number, end: number): number {
  let stride = 0;
  if (kind === BTF_KIND.STRUCT || kind === BTF_KIND.UNION || kind === BTF_KIND.ENUM64) stride = 3;
  if (kind === BTF_KIND.FUNC_PROTO || kind === BTF_KIND.ENUM) stride = 2;
  if (stride === 0) return 0;
  for (let name = at + 3; name < end; name = name + stride) setWord(name, putString(word(name)));
  return stride;
}
