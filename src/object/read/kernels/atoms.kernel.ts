/** Atoms: made of symbols or of bytes without one, and found by place. */

import { SHT_NOBITS, STB_LOCAL, STB_WEAK, STV_HIDDEN, STV_INTERNAL } from '../../../elf/constants.ts';
import { ATOM_BINDING } from '../../../image/codes.ts';
import { ATOM, SECTION, SYMBOL, UNIT } from '../../../image/layout.ts';
import { setWord, word } from '../../../image/memory.ts';
import { addRows } from '../../../image/tables.kernel.ts';
import { READER } from './reader.ts';
import { indexOf, state } from './state.kernel.ts';

/**
 * An atom of a kind, without a place. `symbol`: row of SYMBOL that names it; 0 for none. New rows are zero: what is
 * mostly 0 is written only where it is not, so that the column takes no memory.
 */
export function newAtom(unit: number, kind: number, symbol: number): number {
  const atom = addRows(ATOM.count, ATOM.width, 1);
  setWord(word(ATOM.unit) + atom, unit);
  setWord(word(ATOM.source) + atom, unit);
  setWord(word(ATOM.kind) + atom, kind);
  setWord(word(ATOM.align) + atom, 1);
  if (symbol === 0) return atom;
  setWord(word(ATOM.name) + atom, word(word(SYMBOL.name) + symbol));
  setWord(word(ATOM.binding) + atom, bindingOf(word(word(SYMBOL.binding) + symbol)));
  const visibility = word(word(SYMBOL.visibility) + symbol);
  if (visibility === STV_INTERNAL || visibility === STV_HIDDEN) setWord(word(ATOM.visibility) + atom, 1);
  setWord(word(SYMBOL.atom) + symbol, atom);
  return atom;
}

/** ATOM.binding of a symbol with a binding of ELF. */
function bindingOf(binding: number): number {
  if (binding === STB_LOCAL) return ATOM_BINDING.local;
  return binding === STB_WEAK ? ATOM_BINDING.weak : ATOM_BINDING.global;
}

/** An atom with `size` bytes at an offset of a section. */
export function placedAtom(
  unit: number,
  section: number,
  kind: number,
  symbol: number,
  offset: number,
  size: number,
): number {
  const atom = newAtom(unit, kind, symbol);
  setWord(word(ATOM.shell) + atom, word(word(SECTION.shell) + section));
  const comdat = word(word(SECTION.comdat) + section);
  if (comdat !== 0) setWord(word(ATOM.comdat) + atom, comdat);
  setWord(word(ATOM.offset) + atom, offset);
  setWord(word(ATOM.size) + atom, size);
  setWord(word(ATOM.at) + atom, addressIn(unit, section, offset));
  setWord(endWord(section), atom + 1);
  return atom;
}

/** Word of READER.atomsEnd of a section. */
function endWord(section: number): number {
  return state(READER.atomsEnd) + indexOf(section);
}

/** Byte address of an offset of a section; 0 if it has no contents. A section of size 0 has contents of size 0. */
function addressIn(unit: number, section: number, offset: number): number {
  if (word(word(SECTION.type) + section) === SHT_NOBITS) return 0;
  const at = word(word(SECTION.at) + section);
  return at === 0 ? word(word(UNIT.at) + unit) : at + offset;
}

/** Another name of the atom `owner`. */
export function newAlias(unit: number, section: number, symbol: number, owner: number): number {
  const alias = newAtom(unit, word(word(ATOM.kind) + owner), symbol);
  setWord(word(ATOM.shell) + alias, word(word(ATOM.shell) + owner));
  setWord(word(ATOM.comdat) + alias, word(word(ATOM.comdat) + owner));
  setWord(word(ATOM.offset) + alias, word(word(ATOM.offset) + owner));
  setWord(word(ATOM.size) + alias, word(word(ATOM.size) + owner));
  setWord(word(ATOM.align) + alias, word(word(ATOM.align) + owner));
  setWord(word(ATOM.at) + alias, word(word(ATOM.at) + owner));
  setWord(word(ATOM.owner) + alias, owner);
  setWord(endWord(section), alias + 1);
  return alias;
}

/** Begins the atoms of a section. */
export function beginAtoms(section: number): number {
  const next = word(ATOM.count) === 0 ? 1 : word(ATOM.count);
  setWord(state(READER.atoms) + indexOf(section), next);
  setWord(endWord(section), next);
  return next;
}

/** First row of ATOM of a section. */
export function firstAtom(section: number): number {
  return word(state(READER.atoms) + indexOf(section));
}

/** The row after the last atom of a section. */
export function endOfAtoms(section: number): number {
  return word(endWord(section));
}

/** The last atom of a section that begins at the offset or before it; 0 when there is none. */
export function atomFrom(section: number, offset: number): number {
  const offsets = word(ATOM.offset);
  const first = firstAtom(section);
  let low = first;
  let high = endOfAtoms(section);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offset >>> 0 < word(offsets + middle) >>> 0) high = middle;
    else low = middle + 1;
  }
  if (low === first) return 0;
  const owner = word(word(ATOM.owner) + low - 1);
  return owner === 0 ? low - 1 : owner;
}

/** The atom of a section that covers an offset, or that ends exactly there; 0 when none does. */
export function atomCovering(section: number, offset: number): number {
  const atom = atomFrom(section, offset);
  if (atom === 0) return 0;
  const distance = offset - word(word(ATOM.offset) + atom);
  return word(word(ATOM.size) + atom) >>> 0 < distance >>> 0 ? 0 : atom;
}

/** The atom of a section that begins exactly at an offset, the first of several; 0 when none does. */
export function atomAt(section: number, offset: number): number {
  const offsets = word(ATOM.offset);
  const end = endOfAtoms(section);
  let low = firstAtom(section);
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (word(offsets + middle) >>> 0 < offset >>> 0) low = middle + 1;
    else high = middle;
  }
  return low < end && word(offsets + low) === offset ? low : 0;
}
