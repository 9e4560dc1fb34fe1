/**
 * Cutting the sections of a unit into atoms along their symbols.
 *
 * Every byte of a data section belongs to an atom or is padding that the next atom's alignment explains. The
 * alignment of an atom is the one its offset had, at most the section's: laying out the atoms in order then yields the
 * old offsets.
 */

import { SHN_ABS, SHN_COMMON, SHN_UNDEF, SHT_NOBITS, STB_LOCAL } from '../../../elf/constants.ts';
import { ATOM_KIND, SHELL_ROLE } from '../../../image/codes.ts';
import { ATOM, SECTION, SHELL, SYMBOL, UNIT } from '../../../image/layout.ts';
import { setWord, word } from '../../../image/memory.ts';
import { addRows } from '../../../image/tables.kernel.ts';
import { OBJECT_FAULT } from '../faults.ts';
import { beginAtoms, newAtom } from './atoms.kernel.ts';
import { cutCode } from './code.kernel.ts';
import { cutData } from './data.kernel.ts';
import { READER } from './reader.ts';
import { bssShell, isKept, isLegacyMaps, newShell } from './sections.kernel.ts';
import { refuse, sectionRow, setState, startUnit, state } from './state.kernel.ts';

/** Begins the sections and atoms of a unit. */
export function beginUnit(unit: number): number {
  startUnit(unit);
  setState(READER.firstSymbol, word(word(UNIT.symbols) + unit));
  const shells = addRows(SHELL.count, SHELL.width, 0);
  setWord(word(UNIT.shells) + unit, shells);
  const atoms = addRows(ATOM.count, ATOM.width, 0);
  setWord(word(UNIT.atoms) + unit, atoms);
  return atoms;
}

/**
 * Cuts the ELF sections from `index` on; returns the index of one with legacy maps, which is begun and has to be cut
 * otherwise, and the number of sections in the end.
 */
export function cutSections(unit: number, index: number): number {
  const sections = word(word(UNIT.sectionCount) + unit);
  while (index < sections) {
    const section = sectionRow(unit, index);
    if (isKept(section) === 1) {
      newShell(unit, section);
      beginAtoms(section);
      const role = word(word(SHELL.role) + word(word(SECTION.shell) + section));
      if (role === SHELL_ROLE.maps && word(word(SECTION.type) + section) === SHT_NOBITS)
        refuse(OBJECT_FAULT.mapsNobits, unit, section, 0, 0, 0, 0);
      if (role === SHELL_ROLE.code) cutCode(unit, section);
      else if (isLegacyMaps(section) === 1) {
        setState(READER.hasLegacyMaps, 1);
        return index;
      } else cutData(unit, section, role === SHELL_ROLE.maps ? ATOM_KIND.map : ATOM_KIND.variable);
    }
    index = index + 1;
  }
  return sections;
}

/** Symbols that are in no section: externs and tentative definitions. Returns 0, with a fault, at an absolute one. */
export function addUndefined(unit: number): number {
  const first = word(word(UNIT.symbols) + unit);
  const end = first + word(word(UNIT.symbolCount) + unit);
  for (let symbol = first + 1; symbol < end; symbol = symbol + 1) {
    const section = word(word(SYMBOL.section) + symbol);
    if (section !== SHN_UNDEF && section < SHN_ABS) continue;
    if (word(word(SYMBOL.name) + symbol) === 0) continue;
    if (section === SHN_UNDEF) newAtom(unit, ATOM_KIND.extern, symbol);
    else if (section === SHN_COMMON) addCommon(unit, symbol);
    else if (section === SHN_ABS && word(word(SYMBOL.binding) + symbol) !== STB_LOCAL)
      return refuse(OBJECT_FAULT.absoluteSymbol, unit, symbol, 0, 0, 0, 0);
  }
  return 1;
}

/** `st_value` of a common symbol is its alignment; it is allocated in `.bss`. */
function addCommon(unit: number, symbol: number): number {
  const shell = bssShell(unit);
  const atom = newAtom(unit, ATOM_KIND.variable, symbol);
  const align = word(word(SYMBOL.value) + symbol);
  setWord(word(ATOM.binding) + atom, 1);
  setWord(word(ATOM.shell) + atom, shell);
  setWord(word(ATOM.size) + atom, word(word(SYMBOL.size) + symbol));
  setWord(word(ATOM.align) + atom, align < 1 ? 1 : align);
  setWord(word(ATOM.common) + atom, 1);
  setState(READER.commons, state(READER.commons) + 1);
  return atom;
}

/** Once all atoms are there. */
export function endAtoms(unit: number): number {
  const count = word(ATOM.count) - word(word(UNIT.atoms) + unit);
  setWord(word(UNIT.atomCount) + unit, count);
  return count;
}
