/**
 * BTF ids for atoms.
 *
 * A defined function takes the FUNC that func_info names at its start; only this distinguishes two static functions of
 * one name. Variables are found in the DATASEC of their section: global ones by name (compilers leave their offset to
 * be filled in later), static ones by offset and name. Externs are found by name, preferring one that a DATASEC lists:
 * that DATASEC (`.ksyms`, `.kconfig`, `.maps`, …) determines the kind of extern.
 */

import { ATOM_BINDING, ATOM_KIND } from '../../../image/codes.ts';
import { ATOM, FUNCTION_INFO, NAME, SECTION, UNIT } from '../../../image/layout.ts';
import { setWord, word } from '../../../image/memory.ts';
import { BTF_KIND } from '../../../uapi/btf.ts';
import { atomAt, endOfAtoms, firstAtom } from './atoms.kernel.ts';
import { FOUND, firstOf, found, indexNames, kindOf, linkageOf, nextOf, onlyOf } from './names.kernel.ts';
import { READER } from './reader.ts';
import { isCode } from './sections.kernel.ts';
import { emptyRoom, sectionRow, setState, state } from './state.kernel.ts';
import { attachVariables } from './variables.kernel.ts';

/** Attaches the types of what is in sections. `forgetNames` has to be called once all is attached. */
export function attachTypes(unit: number): number {
  indexNames(unit);
  attachFunctionInfo(unit);
  const sections = word(word(UNIT.sectionCount) + unit);
  for (let index = 1; index < sections; index = index + 1) {
    const section = sectionRow(unit, index);
    if (word(word(SECTION.shell) + section) === 0) continue;
    if (isCode(section) === 1) attachFunctions(unit, section);
    else attachVariables(unit, section);
  }
  return sections;
}

/** Row of SECTION of the unit's section of that name that is kept; 0 for none. */
export function keptSection(unit: number, name: number): number {
  const section = word(word(NAME.section) + name);
  const first = word(word(UNIT.sections) + unit);
  if (section <= first || section >= first + word(word(UNIT.sectionCount) + unit)) return 0;
  return word(word(SECTION.shell) + section) === 0 ? 0 : section;
}

function attachFunctionInfo(unit: number): number {
  const first = word(word(UNIT.functionInfos) + unit);
  const end = first + word(word(UNIT.functionInfoCount) + unit);
  for (let row = first; row < end; row = row + 1) {
    const section = keptSection(unit, word(word(FUNCTION_INFO.section) + row));
    const atom = section === 0 ? 0 : atomAt(section, word(word(FUNCTION_INFO.offset) + row));
    if (atom !== 0) setWord(word(ATOM.type) + atom, word(word(FUNCTION_INFO.type) + row));
  }
  return end;
}

function attachFunctions(unit: number, section: number): number {
  const end = endOfAtoms(section);
  for (let atom = firstAtom(section); atom < end; atom = atom + 1) {
    if (word(word(ATOM.owner) + atom) !== 0) continue;
    const name = word(word(ATOM.name) + atom);
    const isStatic = word(word(ATOM.binding) + atom) === ATOM_BINDING.local ? 1 : 0;
    if (word(word(ATOM.type) + atom) === 0)
      setWord(word(ATOM.type) + atom, onlyOf(unit, name, BTF_KIND.FUNC, isStatic));
    const type = word(word(ATOM.type) + atom);
    if (linkageOf(unit, type) !== 0) continue;
    const typeName = word(state(READER.names) + type);
    if (name === 0) setWord(word(ATOM.name) + atom, typeName);
    else if (isStatic === 0 && typeName !== name) setState(READER.renamed, state(READER.renamed) + 1);
  }
  return end;
}

/** Attaches the types of static constants that are listed elsewhere, of externs and of tentative definitions. */
export function attachRest(unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  let marked = attachMisplaced(unit, first, end);
  for (let atom = first; atom < end; atom = atom + 1) {
    if (word(word(ATOM.kind) + atom) === ATOM_KIND.extern) {
      if (word(word(ATOM.type) + atom) !== 0) continue;
      if (marked === 0) markTaken(unit, first, end);
      marked = 1;
      attachExtern(unit, atom);
    } else if (word(word(ATOM.common) + atom) === 1) attachCommon(unit, atom);
  }
  return end;
}

/**
 * Clang lists a constant that it puts in `.rodata.cst16` under `.rodata`, at the offset that it has elsewhere. Its
 * name is enough, if no other variable has it. Returns 1 where READER.taken is filled.
 */
function attachMisplaced(unit: number, first: number, end: number): number {
  let marked = 0;
  for (let atom = first; atom < end; atom = atom + 1) {
    if (isOpen(atom) === 0) continue;
    if (marked === 0) markTaken(unit, first, end);
    marked = 1;
    const id = onlyOf(unit, word(word(ATOM.name) + atom), BTF_KIND.VAR, 1);
    if (id === 0 || word(state(READER.taken) + id) === 1) continue;
    setWord(word(ATOM.type) + atom, id);
    setWord(state(READER.taken) + id, 1);
  }
  return marked;
}

/** 1: a named static variable without a type. */
function isOpen(atom: number): number {
  if (word(word(ATOM.kind) + atom) !== ATOM_KIND.variable || word(word(ATOM.type) + atom) !== 0) return 0;
  const isLocal = word(word(ATOM.binding) + atom) === ATOM_BINDING.local;
  return isLocal && word(word(ATOM.name) + atom) !== 0 ? 1 : 0;
}

function markTaken(unit: number, first: number, end: number): number {
  const taken = emptyRoom(READER.taken, word(word(UNIT.typeCount) + unit) + 1);
  for (let atom = first; atom < end; atom = atom + 1) setWord(taken + word(word(ATOM.type) + atom), 1);
  return taken;
}

/** A static function of the same name, of another file that was linked into this one, is something else. */
function attachExtern(unit: number, atom: number): number {
  const name = word(word(ATOM.name) + atom);
  const known = found(name, FOUND.extern);
  if (known === 0) return 0;
  if (word(known) === 0) setWord(known, typeOfExtern(unit, name) + 1);
  const id = word(known) - 1;
  const section = word(state(READER.listed) + id);
  setWord(word(ATOM.type) + atom, id);
  if (section !== 0) setWord(word(ATOM.section) + atom, section === state(READER.extern) ? 0 : section);
  return id;
}

/**
 * The first FUNC that is not static and that a DATASEC lists, else such a VAR, else any that is not static. The type of a
 * definition of that name is another one: names of `license` may be those of externs.
 */
function typeOfExtern(unit: number, name: number): number {
  const listed = state(READER.listed);
  const taken = state(READER.taken);
  let first = 0;
  for (let pass = 0; pass < 2; pass = pass + 1)
    for (let id = firstOf(name); id !== 0; id = nextOf(id)) {
      if (kindOf(unit, id) !== (pass === 0 ? BTF_KIND.FUNC : BTF_KIND.VAR) || linkageOf(unit, id) === 0)
        continue;
      if (word(taken + id) === 1) continue;
      if (first === 0) first = id;
      if (word(listed + id) !== 0) return id;
    }
  return first;
}

/** A static variable of the same name is something else here, too. */
function attachCommon(unit: number, atom: number): number {
  const name = word(word(ATOM.name) + atom);
  const known = found(name, FOUND.common);
  if (known === 0) return 0;
  if (word(known) === 0) setWord(known, typeOfCommon(unit, name) + 1);
  setWord(word(ATOM.type) + atom, word(known) - 1);
  return word(known) - 1;
}

function typeOfCommon(unit: number, name: number): number {
  for (let id = firstOf(name); id !== 0; id = nextOf(id))
    if (kindOf(unit, id) === BTF_KIND.VAR && linkageOf(unit, id) !== 0) return id;
  return 0;
}
