/**
 * Rows of pieces for a listing (`listing.kernel.ts`) out of columns of ATOM. Separate from the lines, which know of
 * texts and numbers only.
 *
 * What a declaration has before and after its name is made outside, once for all symbols that have the same: a table of
 * records by type, linkage and kind has what is known so far.
 */

import { ATOM_BINDING, ATOM_KIND } from '../../image/codes.ts';
import { ATOM, NAME, SHELL, TYPE, UNIT } from '../../image/layout.ts';
import { byte, setWord, word } from '../../image/memory.ts';
import { alloc } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';

/** Words that say what rows to make. */
export const ROWS = {
  unit: 0,
  list: 1, // word index of the rows of ATOM
  count: 2, // how many there are
  to: 3, // word index of the pieces of the first one
  pieces: 4, // words of the pieces of each
  records: 5, // word index of the table of records; an entry is a word index, 0: not known yet
  words: 6, // word index of the pieces of words on symbols; 0: lines have none
  bySection: 7, // 1: there is a word for each section, else for each binding and visibility
  shift: 8, // sizes are in units of 2^shift bytes
  unitText: 9, // piece
  slot: 10, // word index of the entry that `declareRows` misses; 0: the declaration is of one symbol alone
} as const;

/** Linkages that are known: static, global, extern. */
const LINKAGES = 3;
/** Entries of a type for each linkage: extern or not, weak or not. The first ones are of symbols without a type. */
const ENTRIES_SHIFT = 2;

/** Word index of an empty table of records for the types of a unit. */
export function newRecords(unit: number): number {
  const types = word(word(UNIT.typeCount) + unit) + 2;
  return alloc(Math.imul(types, LINKAGES) << (ENTRIES_SHIFT + 2)) >> 2;
}

/**
 * Fills in the declarations from symbol `from` of the list on. Returns the first one without a record, or the number
 * of all.
 */
export function declareRows(rows: number, from: number): number {
  const count = word(rows + ROWS.count);
  const pieces = word(rows + ROWS.pieces);
  let to = word(rows + ROWS.to) + Math.imul(from, pieces);
  for (let index = from; index < count; index = index + 1) {
    const atom = word(word(rows + ROWS.list) + index);
    const slot = slotOf(rows, atom);
    const record = slot === 0 ? 0 : word(slot);
    if (record === 0) {
      setWord(rows + ROWS.slot, slot);
      return index;
    }
    setWord(to, word(record));
    setWord(to + 1, declaredName(word(rows + ROWS.unit), atom));
    setWord(to + 2, word(record + 1));
    to = to + pieces;
  }
  return count;
}

/** BtfId of a symbol of an object that has types; 0: none. */
function typeOf(unit: number, atom: number): number {
  return word(word(UNIT.typed) + unit) === 0 ? 0 : word(word(ATOM.type) + atom);
}

/** Entry in the table of records; 0: none. */
function slotOf(rows: number, atom: number): number {
  const unit = word(rows + ROWS.unit);
  const records = word(rows + ROWS.records);
  const weak = word(word(ATOM.binding) + atom) === ATOM_BINDING.weak ? 2 : 0;
  const kind = word(word(ATOM.kind) + atom) === ATOM_KIND.extern ? weak + 1 : weak;
  const id = typeOf(unit, atom);
  if (id === 0) return records + kind;
  const type = word(word(TYPE.start) + word(word(UNIT.types) + unit) + id);
  const linkage = linkageOf(type);
  if (linkage < 0 || linkage >= LINKAGES || byte(word(word(UNIT.strings) + unit) + word(type)) === 0)
    return 0;
  const target = Math.imul(word(type + 2) + 1, LINKAGES);
  return records + ((target + linkage) << ENTRIES_SHIFT) + kind;
}

/** Of a FUNC or VAR; -1 for other types. */
function linkageOf(type: number): number {
  const info = word(type + 1);
  const kind = (info >>> 24) & 31;
  if (kind === BTF_KIND.FUNC) return info & 0xffff;
  return kind === BTF_KIND.VAR ? word(type + 3) : -1;
}

/** Address of the name in a declaration: that of the type, if there is one. */
function declaredName(unit: number, atom: number): number {
  const id = typeOf(unit, atom);
  if (id === 0) return word(word(NAME.at) + word(word(ATOM.name) + atom));
  const type = word(word(TYPE.start) + word(word(UNIT.types) + unit) + id);
  return word(word(UNIT.strings) + unit) + word(type);
}

/** Fills in what follows declarations: section, word and size. */
export function describeRows(rows: number): number {
  const count = word(rows + ROWS.count);
  const pieces = word(rows + ROWS.pieces);
  let to = word(rows + ROWS.to);
  for (let index = 0; index < count; index = index + 1) {
    const atom = word(word(rows + ROWS.list) + index);
    setWord(to + 3, word(word(NAME.at) + sectionName(atom)));
    if (word(rows + ROWS.words) !== 0) {
      setWord(to + 4, wordOn(rows, atom));
      setWord(to + 5, sizeOf(atom) >> word(rows + ROWS.shift));
      setWord(to + 6, word(rows + ROWS.unitText));
    }
    to = to + pieces;
  }
  return count;
}

/** NAME of the section of a symbol: of an extern, the one that it would be in. */
function sectionName(atom: number): number {
  const shell = word(word(ATOM.shell) + atom);
  return shell === 0 ? word(word(ATOM.section) + atom) : word(word(SHELL.name) + shell);
}

function wordOn(rows: number, atom: number): number {
  const words = word(rows + ROWS.words);
  if (word(rows + ROWS.bySection) === 1)
    return word(words + word(word(ATOM.shell) + atom) - word(word(UNIT.shells) + word(rows + ROWS.unit)));
  const binding = word(word(ATOM.binding) + atom);
  return word(words + binding + binding + word(word(ATOM.visibility) + atom));
}

/** Bytes; none where a function has no code. */
function sizeOf(atom: number): number {
  const kind = word(word(ATOM.kind) + atom);
  return kind === ATOM_KIND.function && word(word(ATOM.at) + atom) === 0 ? 0 : word(word(ATOM.size) + atom);
}
