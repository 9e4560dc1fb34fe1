/**
 * Types in a form that can be compared across units: a copy of their words (`TYPE.own`) with NAMEs instead of
 * offsets and rows of TYPE instead of ids. void is the void of the first unit.
 *
 * What takes no part gets no copy: data sections, which are written again for every layout, types that are left
 * out or redirected (`TYPE.redirect`), and declaration tags on them. A reference to a redirected type is one to
 * what takes its place.
 */

import { HEADER, TYPE, UNIT } from '../../image/layout.ts';
import { byte, fill, setByte, setWord, word } from '../../image/memory.ts';
import { alloc } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { nextTextName } from '../model/texts.kernel.ts';
import { hasOneReference, typeWords } from './shape.kernel.ts';

/** Longest chain of redirections that is followed; more than any link has symbols of one name. */
const MAX_REDIRECTIONS = 100000;

/** Fills TYPE.own and HEADER.typeKinds for the units `first` to `last`. */
export function internTypes(first: number, last: number): number {
  let words = 0;
  let longest = 0;
  let none = 0; // void of the first unit with types
  let end = 0;
  for (let unit = first; unit <= last; unit = unit + 1) {
    const types = word(word(UNIT.types) + unit);
    if (types === 0) continue;
    words = words + word(word(UNIT.wordCount) + unit);
    const strings = word(word(UNIT.stringSize) + unit);
    if (strings > longest) longest = strings;
    if (none === 0) none = types;
    end = types + word(word(UNIT.typeCount) + unit) + 1;
  }
  let at = alloc(words << 2) >> 2;
  setWord(HEADER.ownAt, at << 2);
  setWord(HEADER.ownSize, words << 2);
  setWord(HEADER.typeKinds, alloc(end - none + 1) - none);
  const names = alloc(longest << 2) >> 2;
  for (let unit = first; unit <= last; unit = unit + 1) {
    if (word(word(UNIT.types) + unit) === 0) continue;
    at = internUnit(unit, none, names, at);
    fill(names << 2, 0, word(word(UNIT.stringSize) + unit) << 2);
  }
  return at;
}

/** `names`: word index of NAMEs by string offset, 0 where not known yet. Returns the word after the copy. */
function internUnit(unit: number, none: number, names: number, at: number): number {
  const types = word(word(UNIT.types) + unit);
  const end = types + word(word(UNIT.typeCount) + unit);
  const own = word(TYPE.own);
  const start = word(TYPE.start);
  const kinds = listParts(types, end);
  let to = at;
  for (let row = types + 1; row <= end; row = row + 1) {
    const kind = byte(kinds + row);
    if (kind === 0) {
      setWord(own + row, 0);
      continue;
    }
    setWord(own + row, to);
    to = internType(kind, word(start + row), to, types, none, names, unit);
  }
  return to;
}

/** Fills HEADER.typeKinds for the rows after `types`, up to `end`, and returns it. */
function listParts(types: number, end: number): number {
  const kinds = word(HEADER.typeKinds);
  const start = word(TYPE.start);
  const redirect = word(TYPE.redirect);
  let tags = 0;
  for (let row = types + 1; row <= end; row = row + 1) {
    const kind = (word(word(start + row) + 1) >>> 24) & 0x7f;
    setByte(kinds + row, kind === BTF_KIND.DATASEC || word(redirect + row) !== 0 ? 0 : kind);
    if (kind === BTF_KIND.DECL_TAG) tags = row;
  }
  for (let row = types + 1; row <= tags; row = row + 1) {
    if (byte(kinds + row) !== BTF_KIND.DECL_TAG) continue;
    if (byte(kinds + types + word(word(start + row) + 2)) === 0) setByte(kinds + row, 0);
  }
  return kinds;
}

function internType(
  kind: number,
  from: number,
  to: number,
  types: number,
  none: number,
  names: number,
  unit: number,
): number {
  const info = word(from + 1);
  const end = from + typeWords(info);
  setWord(to, nameAt(names, unit, word(from)));
  setWord(to + 1, info);
  if (kind === BTF_KIND.STRUCT || kind === BTF_KIND.UNION)
    return internMembers(from, end, to, types, none, names, unit);
  if (kind === BTF_KIND.FUNC_PROTO) return internParameters(from, end, to, types, none, names, unit);
  if (kind === BTF_KIND.ENUM) return internValues(from, end, to, names, unit, 2);
  if (kind === BTF_KIND.ENUM64) return internValues(from, end, to, names, unit, 3);
  if (kind === BTF_KIND.ARRAY) {
    setWord(to + 2, word(from + 2));
    setWord(to + 3, rowAt(word(from + 3), types, none));
    setWord(to + 4, rowAt(word(from + 4), types, none));
    setWord(to + 5, word(from + 5));
    return to + 6;
  }
  setWord(
    to + 2,
    hasOneReference(kind) === 1 ? pointeeAt(kind, word(from + 2), types, none) : word(from + 2),
  );
  if (end === from + 4) setWord(to + 3, word(from + 3));
  return to + end - from;
}

function internMembers(
  from: number,
  end: number,
  to: number,
  types: number,
  none: number,
  names: number,
  unit: number,
): number {
  setWord(to + 2, word(from + 2));
  const redirect = word(TYPE.redirect);
  let put = to + 3;
  for (let at = from + 3; at < end; at = at + 3) {
    // as `nameAt` and `rowAt` do it, without calls for most
    const name = word(names + word(at));
    const row = types + word(at + 1);
    setWord(put, name === 0 ? nameAt(names, unit, word(at)) : name);
    setWord(put + 1, row === types || word(redirect + row) > 0 ? rowAt(row - types, types, none) : row);
    setWord(put + 2, word(at + 2));
    put = put + 3;
  }
  return put;
}

function internParameters(
  from: number,
  end: number,
  to: number,
  types: number,
  none: number,
  names: number,
  unit: number,
): number {
  setWord(to + 2, rowAt(word(from + 2), types, none));
  let put = to + 3;
  for (let at = from + 3; at < end; at = at + 2) {
    setWord(put, nameAt(names, unit, word(at)));
    setWord(put + 1, rowAt(word(at + 1), types, none));
    put = put + 2;
  }
  return put;
}

/** Enumerators of `width` words. */
function internValues(
  from: number,
  end: number,
  to: number,
  names: number,
  unit: number,
  width: number,
): number {
  setWord(to + 2, word(from + 2));
  let put = to + 3;
  for (let at = from + 3; at < end; at = at + width) {
    setWord(put, nameAt(names, unit, word(at)));
    setWord(put + 1, word(at + 1));
    if (width === 3) setWord(put + 2, word(at + 2));
    put = put + width;
  }
  return put;
}

function nameAt(names: number, unit: number, offset: number): number {
  if (offset === 0) return 0;
  const known = word(names + offset);
  if (known !== 0) return known;
  const name = nextTextName(unit, word(word(UNIT.strings) + unit) + offset);
  setWord(names + offset, name);
  return name;
}

/** Row of a type of the unit whose types start at row `types`, or of what takes its place. */
function rowAt(id: number, types: number, none: number): number {
  if (id === 0) return none;
  const row = types + id;
  return word(word(TYPE.redirect) + row) > 0 ? endOfRedirects(row) : row;
}

/** The row at the end of a chain of redirections. */
export function endOfRedirects(row: number): number {
  const redirect = word(TYPE.redirect);
  let at = row;
  for (let step = 0; step < MAX_REDIRECTIONS && word(redirect + at) > 0; step = step + 1)
    at = word(redirect + at);
  return at;
}

/** As `rowAt`; notes types that are made of a function. One that is left out is its prototype there, as for the kernel. */
function pointeeAt(kind: number, id: number, types: number, none: number): number {
  if (id === 0) return none;
  const row = types + id;
  const target = byte(word(HEADER.typeKinds) + row);
  if ((target === 0 || target === BTF_KIND.FUNC) && kind !== BTF_KIND.DECL_TAG) {
    noteFunction(row);
    if (word(word(TYPE.redirect) + row) === -1)
      return rowAt(word(word(word(TYPE.start) + row) + 2), types, none);
  }
  return rowAt(id, types, none);
}

function noteFunction(row: number): number {
  const kind = (word(word(word(TYPE.start) + row) + 1) >>> 24) & 0x7f;
  if (kind === BTF_KIND.FUNC) setWord(HEADER.functionTypes, 1);
  return kind;
}
