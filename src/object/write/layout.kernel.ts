/**
 * Where the atoms of a unit are in their sections.
 *
 * Atoms follow one another in order of their rows, each at its own alignment: `ATOM.place` is the offset in the
 * section, `SHELL.members` lists what is in a section in that order. The reader gives each atom the alignment
 * that its old offset had, so that the atoms of an input keep their distances as long as all of them are kept, and
 * a section that was laid out here is laid out the same way again. Aliases have the place of their owner and are
 * chained to it (`ATOM.alias`, `ATOM.nextAlias`).
 */

import { ATOM_KIND } from '../../image/codes.ts';
import { ATOM, REFERENCE, SHELL, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { alloc, fault } from '../../image/tables.kernel.ts';
import { INSN_SIZE } from '../../uapi/sizes.ts';
import { WRITE_FAULT } from './faults.ts';

const MAX_SIZE = 0x7fffffff;

/**
 * Gives each atom of a unit its place; 0 with a fault where a section would be too large. `common` 1: also
 * tentative definitions, which a file that is linked again keeps as such.
 */
export function layoutUnit(unit: number, common: number): number {
  beginSections(unit);
  countMembers(unit, common);
  if (placeAtoms(unit, common, 0) === 0) return 0;
  if (placeAtoms(unit, common, 1) === 0) return 0;
  placeAliases(unit);
  return 1;
}

/** The atom whose place an alias has; 0 for others. It must be of the same kind and in the same section. */
export function placeOwner(atom: number): number {
  const owner = word(word(ATOM.owner) + atom);
  if (owner === 0) return 0;
  const kinds = word(ATOM.kind);
  const shells = word(ATOM.shell);
  if (word(kinds + owner) !== word(kinds + atom)) return 0;
  return word(shells + owner) === word(shells + atom) ? owner : 0;
}

function beginSections(unit: number): number {
  const first = word(word(UNIT.shells) + unit);
  const end = first + word(word(UNIT.shellCount) + unit);
  const aligns = word(SHELL.align);
  for (let shell = first; shell < end; shell = shell + 1) {
    const align = word(aligns + shell);
    setWord(word(SHELL.size) + shell, 0);
    setWord(word(SHELL.memberCount) + shell, 0);
    setWord(word(SHELL.placedAlign) + shell, align < 1 ? 1 : align);
  }
  return end;
}

/** 1: the atom takes room in its section. */
function isMember(atom: number, common: number): number {
  if (word(word(ATOM.kind) + atom) === ATOM_KIND.extern) return 0;
  if (common === 0 && word(word(ATOM.common) + atom) === 1) return 0;
  return placeOwner(atom) === 0 ? 1 : 0;
}

/** Sets aside the lists of members. */
function countMembers(unit: number, common: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  let list = alloc((end - first) << 2) >> 2;
  const shells = word(ATOM.shell);
  const counts = word(SHELL.memberCount);
  for (let atom = first; atom < end; atom = atom + 1) {
    if (isMember(atom, common) === 0) continue;
    const shell = counts + word(shells + atom);
    setWord(shell, word(shell) + 1);
  }
  const firstShell = word(word(UNIT.shells) + unit);
  const lastShell = firstShell + word(word(UNIT.shellCount) + unit);
  for (let shell = firstShell; shell < lastShell; shell = shell + 1) {
    setWord(word(SHELL.members) + shell, list);
    list = list + word(counts + shell);
    setWord(counts + shell, 0);
  }
  return list;
}

/**
 * Maps that hold other maps come after all others: libbpf makes maps in the order of `.maps` and fills each at
 * once, so an outer map must not be before what it holds. `later` 1: places those.
 */
function placeAtoms(unit: number, common: number, later: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const kinds = word(ATOM.kind);
  for (let atom = first; atom < end; atom = atom + 1) {
    const isLater = word(kinds + atom) === ATOM_KIND.map ? holdsMaps(atom) : 0;
    if (isLater !== later) continue;
    if (isMember(atom, common) === 0) setWord(word(ATOM.place) + atom, 0);
    else if (placeAtom(unit, atom) === 0) return 0;
  }
  return 1;
}

function holdsMaps(map: number): number {
  const first = word(word(ATOM.references) + map);
  const end = first + word(word(ATOM.referenceCount) + map);
  const targets = word(REFERENCE.atom);
  const kinds = word(ATOM.kind);
  for (let reference = first; reference < end; reference = reference + 1)
    if (word(kinds + word(targets + reference)) === ATOM_KIND.map) return 1;
  return 0;
}

function placeAtom(unit: number, atom: number): number {
  const shell = word(word(ATOM.shell) + atom);
  const align = alignmentOf(atom);
  const end = word(word(SHELL.size) + shell);
  const size = word(word(ATOM.size) + atom);
  if (end > MAX_SIZE - align) return fault(WRITE_FAULT.sectionSize, unit, shell, 0);
  const rest = end % align;
  const place = rest === 0 ? end : end + align - rest;
  if (size < 0 || place > MAX_SIZE - size) return fault(WRITE_FAULT.sectionSize, unit, shell, 0);
  setWord(word(SHELL.size) + shell, place + size);
  if (align > word(word(SHELL.placedAlign) + shell)) setWord(word(SHELL.placedAlign) + shell, align);
  const count = word(SHELL.memberCount) + shell;
  setWord(word(word(SHELL.members) + shell) + word(count), atom);
  setWord(count, word(count) + 1);
  setWord(word(ATOM.place) + atom, place);
  return 1;
}

function alignmentOf(atom: number): number {
  if (word(word(ATOM.kind) + atom) === ATOM_KIND.function) return INSN_SIZE;
  const align = word(word(ATOM.align) + atom);
  return align < 1 ? 1 : align;
}

/** Aliases of an atom are chained in order of their rows. */
function placeAliases(unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const places = word(ATOM.place);
  const heads = word(ATOM.alias);
  const nexts = word(ATOM.nextAlias);
  for (let atom = first; atom < end; atom = atom + 1) setWord(heads + atom, 0);
  for (let atom = end - 1; atom >= first; atom = atom - 1) {
    const owner = placeOwner(atom);
    if (owner === 0) continue;
    setWord(nexts + atom, word(heads + owner));
    setWord(heads + owner, atom);
  }
  for (let atom = first; atom < end; atom = atom + 1) {
    const owner = placeOwner(atom);
    if (owner !== 0) setWord(places + atom, word(places + owner));
  }
  return end;
}
