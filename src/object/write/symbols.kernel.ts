/**
 * The sections and symbols of the ELF file that a unit becomes.
 *
 * Sections that hold nothing are left out. Symbols of sections come first, then local atoms, then the others, both
 * by section and place; what has no place (externs, tentative definitions) last: the order in which they are read
 * again. `ATOM.number` and, for sections, `SHELL.position` are the numbers of ELF symbols.
 */

import { putString } from '../../btf/merge/strings.kernel.ts';
import {
  SHN_COMMON,
  SHN_LORESERVE,
  SHN_XINDEX,
  STB_GLOBAL,
  STB_LOCAL,
  STB_WEAK,
  STT_FUNC,
  STT_NOTYPE,
  STT_OBJECT,
  STT_SECTION,
  STV_DEFAULT,
  STV_HIDDEN,
} from '../../elf/constants.ts';
import { putSymbol } from '../../elf/write.kernel.ts';
import { ATOM_BINDING, ATOM_KIND } from '../../image/codes.ts';
import { ATOM, OUTPUT, SHELL, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { putWord } from '../../image/put.kernel.ts';
import { alloc } from '../../image/tables.kernel.ts';

/** Gives sections and symbols of a unit that is laid out their numbers. Returns the number of sections. */
export function numberSymbols(unit: number, output: number): number {
  const sections = numberSections(unit);
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const numbers = word(ATOM.number);
  for (let atom = first; atom < end; atom = atom + 1) setWord(numbers + atom, 0);
  const list = alloc((end - first) << 2) >> 2;
  setWord(word(OUTPUT.shells) + output, sections);
  setWord(word(OUTPUT.symbols) + output, list);
  setWord(word(OUTPUT.symbolCount) + output, 0);
  addSymbols(unit, output, 1);
  setWord(word(OUTPUT.localCount) + output, sections + word(word(OUTPUT.symbolCount) + output));
  addSymbols(unit, output, 0);
  return sections;
}

function numberSections(unit: number): number {
  const first = word(word(UNIT.shells) + unit);
  const end = first + word(word(UNIT.shellCount) + unit);
  let position = 0;
  for (let shell = first; shell < end; shell = shell + 1) {
    const used = word(word(SHELL.memberCount) + shell) === 0 ? 0 : 1;
    position = position + used;
    setWord(word(SHELL.position) + shell, used === 0 ? 0 : position);
  }
  return position;
}

/** Adds the symbols of one group: 1, those that are local, or 0, the others. */
function addSymbols(unit: number, output: number, local: number): number {
  const firstShell = word(word(UNIT.shells) + unit);
  const endShell = firstShell + word(word(UNIT.shellCount) + unit);
  const aliases = word(ATOM.alias);
  const nexts = word(ATOM.nextAlias);
  for (let shell = firstShell; shell < endShell; shell = shell + 1) {
    const members = word(word(SHELL.members) + shell);
    const end = members + word(word(SHELL.memberCount) + shell);
    for (let member = members; member < end; member = member + 1) {
      const atom = word(member);
      addSymbol(output, atom, local);
      for (let alias = word(aliases + atom); alias !== 0; alias = word(nexts + alias))
        addSymbol(output, alias, local);
    }
  }
  const atoms = word(word(UNIT.atoms) + unit);
  const end = atoms + word(word(UNIT.atomCount) + unit);
  const kinds = word(ATOM.kind);
  const commons = word(ATOM.common);
  for (let atom = atoms; atom < end; atom = atom + 1)
    if (word(kinds + atom) === ATOM_KIND.extern || word(commons + atom) === 1) addSymbol(output, atom, local);
  return end;
}

function addSymbol(output: number, atom: number, local: number): number {
  if (word(word(ATOM.name) + atom) === 0) return 0;
  const isLocal = word(word(ATOM.binding) + atom) === ATOM_BINDING.local ? 1 : 0;
  if (isLocal !== local) return 0;
  const counts = word(OUTPUT.symbolCount) + output;
  const count = word(counts);
  const number = 1 + word(word(OUTPUT.shells) + output) + count;
  setWord(word(word(OUTPUT.symbols) + output) + count, atom);
  setWord(counts, count + 1);
  setWord(word(ATOM.number) + atom, number);
  return number;
}

/** Puts the names of all symbols into `.strtab`, in order of the file. */
export function putSymbolNames(output: number): number {
  const first = word(word(OUTPUT.symbols) + output);
  const end = first + word(word(OUTPUT.symbolCount) + output);
  for (let at = first; at < end; at = at + 1) putString(word(word(ATOM.name) + word(at)));
  return end;
}

/** Writes `.symtab` at an address; and, with the address of one, `.symtab_shndx`. */
export function putSymbols(output: number, at: number, extended: number): number {
  const order = word(word(OUTPUT.order) + output);
  const sections = word(word(OUTPUT.shells) + output);
  let to = putSymbol(at, 0, 0, 0, 0, 0, 0, order);
  let index = extended;
  if (extended !== 0) index = putWord(extended, 0, order);
  for (let section = 1; section <= sections; section = section + 1) {
    to = putSymbol(to, 0, STT_SECTION | (STB_LOCAL << 4), STV_DEFAULT, shortIndex(section), 0, 0, order);
    if (extended !== 0) index = putWord(index, longIndex(section), order);
  }
  const first = word(word(OUTPUT.symbols) + output);
  const end = first + word(word(OUTPUT.symbolCount) + output);
  for (let symbol = first; symbol < end; symbol = symbol + 1) {
    to = putAtom(to, word(symbol), order);
    if (extended !== 0) index = putWord(index, longIndex(positionOf(word(symbol))), order);
  }
  return to;
}

/** 1-based section of an atom; 0 for one without a place. */
function positionOf(atom: number): number {
  if (word(word(ATOM.kind) + atom) === ATOM_KIND.extern || word(word(ATOM.common) + atom) === 1) return 0;
  return word(word(SHELL.position) + word(word(ATOM.shell) + atom));
}

function shortIndex(section: number): number {
  return section < SHN_LORESERVE ? section : SHN_XINDEX;
}

function longIndex(section: number): number {
  return section < SHN_LORESERVE ? 0 : section;
}

function putAtom(at: number, atom: number, order: number): number {
  const name = putString(word(word(ATOM.name) + atom));
  const visibility = word(word(ATOM.visibility) + atom) === 0 ? STV_DEFAULT : STV_HIDDEN;
  const binding = bindingOf(atom) << 4;
  const kind = word(word(ATOM.kind) + atom);
  if (kind === ATOM_KIND.extern) return putSymbol(at, name, binding | STT_NOTYPE, visibility, 0, 0, 0, order);
  const size = word(word(ATOM.size) + atom);
  if (word(word(ATOM.common) + atom) === 1) {
    const align = word(word(ATOM.align) + atom);
    return putSymbol(at, name, binding | STT_OBJECT, visibility, SHN_COMMON, align, size, order);
  }
  const type = kind === ATOM_KIND.function ? STT_FUNC : STT_OBJECT;
  const place = word(word(ATOM.place) + atom);
  return putSymbol(at, name, binding | type, visibility, shortIndex(positionOf(atom)), place, size, order);
}

function bindingOf(atom: number): number {
  const binding = word(word(ATOM.binding) + atom);
  if (binding === ATOM_BINDING.local) return STB_LOCAL;
  return binding === ATOM_BINDING.global ? STB_GLOBAL : STB_WEAK;
}
