/**
 * The atoms of all units that were chosen, as atoms of the result.
 *
 * ATOM.target is the atom that takes the place of each, itself where it is kept; ATOM.merged is its row in the
 * result, that of its target where it was discarded, 0 where nothing is left of it.
 */

import { SHT_NOBITS } from '../../elf/constants.ts';
import { ATOM_BINDING, ATOM_KIND } from '../../image/codes.ts';
import { ATOM, GROUP, RECORD, REFERENCE, SHELL, TYPE, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { addRows, alloc } from '../../image/tables.kernel.ts';
import { REQUEST } from '../resolve/request.ts';

// --- targets ------------------------------------------------------------------------------------------------------

/** The winner of the name; of license and version the first; else the atom itself. */
export function chooseTargets(request: number): number {
  const units = word(request + REQUEST.units);
  const license = firstIn(request, word(request + REQUEST.license));
  const version = firstIn(request, word(request + REQUEST.version));
  for (let at = 0; at < word(request + REQUEST.count); at = at + 1)
    targetUnit(request, word(units + at), license, version);
  return 0;
}

function targetUnit(request: number, unit: number, license: number, version: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const groups = word(ATOM.group);
  const winners = word(GROUP.winner);
  const targets = word(ATOM.target);
  const shells = word(ATOM.shell);
  const names = word(SHELL.name);
  for (let atom = first; atom < end; atom = atom + 1) {
    const group = word(groups + atom);
    let target = atom;
    if (group > 0) target = word(winners + group);
    else if (word(shells + atom) !== 0) {
      const section = word(names + word(shells + atom));
      if (section === word(request + REQUEST.license)) target = license;
      else if (section === word(request + REQUEST.version)) target = version;
    }
    setWord(targets + atom, target);
  }
  return 0;
}

/** First atom in a section of the name; 0: none. */
export function firstIn(request: number, section: number): number {
  const units = word(request + REQUEST.units);
  for (let at = 0; at < word(request + REQUEST.count); at = at + 1) {
    const unit = word(units + at);
    if (hasShell(unit, section) === 0) continue;
    const first = word(word(UNIT.atoms) + unit);
    const end = first + word(word(UNIT.atomCount) + unit);
    for (let atom = first; atom < end; atom = atom + 1) {
      const shell = word(word(ATOM.shell) + atom);
      if (shell !== 0 && word(word(SHELL.name) + shell) === section) return atom;
    }
  }
  return 0;
}

function hasShell(unit: number, section: number): number {
  const first = word(word(UNIT.shells) + unit);
  const end = first + word(word(UNIT.shellCount) + unit);
  for (let shell = first; shell < end; shell = shell + 1)
    if (word(word(SHELL.name) + shell) === section) return 1;
  return 0;
}

/** Replaces targets that are bound: `bound` is the word index of a table by row of ATOM, 0 where it is not bound. */
export function followBindings(request: number, bound: number): number {
  const units = word(request + REQUEST.units);
  const targets = word(ATOM.target);
  for (let at = 0; at < word(request + REQUEST.count); at = at + 1) {
    const first = word(word(UNIT.atoms) + word(units + at));
    const end = first + word(word(UNIT.atomCount) + word(units + at));
    for (let atom = first; atom < end; atom = atom + 1) {
      const next = word(bound + word(targets + atom));
      if (next !== 0) setWord(targets + atom, next);
    }
  }
  return 0;
}

/** Whether an atom is in the result: static symbols of dropped COMDAT groups are not, nothing refers to them. */
function isKept(atom: number): number {
  if (word(word(ATOM.target) + atom) !== atom) return 0;
  return word(word(ATOM.dropped) + atom) === 1 && word(word(ATOM.group) + atom) <= 0 ? 0 : 1;
}

// --- types --------------------------------------------------------------------------------------------------------

/** VAR and FUNC of a discarded symbol are replaced by those of the chosen one: TYPE.redirect. */
export function redirectTypes(request: number): number {
  const units = word(request + REQUEST.units);
  for (let at = 0; at < word(request + REQUEST.count); at = at + 1) {
    const first = word(word(UNIT.atoms) + word(units + at));
    const end = first + word(word(UNIT.atomCount) + word(units + at));
    for (let atom = first; atom < end; atom = atom + 1)
      if (word(word(ATOM.type) + atom) !== 0 && isKept(atom) === 0) redirectType(atom);
  }
  return 0;
}

function redirectType(atom: number): number {
  const redirects = word(TYPE.redirect);
  const row = typeRow(atom);
  const target = word(word(ATOM.target) + atom);
  const to = target === atom ? 0 : typeRow(target);
  if (to === row) return 0;
  if (to !== 0) setWord(redirects + row, to);
  else if (word(redirects + row) === 0) setWord(redirects + row, -1);
  return 0;
}

/** Row of TYPE of an atom; 0: it has no type. */
function typeRow(atom: number): number {
  const type = word(word(ATOM.type) + atom);
  return type === 0 ? 0 : word(word(UNIT.types) + word(word(ATOM.unit) + atom)) + type;
}

// --- numbers ------------------------------------------------------------------------------------------------------

/** Gives every atom that is kept a row of the result, and all others that of their target. */
export function numberAtoms(request: number): number {
  const result = word(request + REQUEST.result);
  const units = word(request + REQUEST.units);
  const count = word(request + REQUEST.count);
  let kept = 0;
  for (let at = 0; at < count; at = at + 1) kept = kept + countKept(word(units + at));
  const first = addRows(ATOM.count, ATOM.width, kept);
  setWord(word(UNIT.atoms) + result, first);
  setWord(word(UNIT.atomCount) + result, kept);
  let next = first;
  for (let at = 0; at < count; at = at + 1) next = numberUnit(word(units + at), next);
  for (let at = 0; at < count; at = at + 1) followTargets(word(units + at));
  return kept;
}

function countKept(unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  let kept = 0;
  for (let atom = first; atom < end; atom = atom + 1) kept = kept + isKept(atom);
  return kept;
}

function numberUnit(unit: number, from: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const merged = word(ATOM.merged);
  let next = from;
  for (let atom = first; atom < end; atom = atom + 1) {
    if (isKept(atom) === 0) continue;
    setWord(merged + atom, next);
    next = next + 1;
  }
  return next;
}

function followTargets(unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const merged = word(ATOM.merged);
  const targets = word(ATOM.target);
  for (let atom = first; atom < end; atom = atom + 1) {
    const target = word(targets + atom);
    if (target !== atom) setWord(merged + atom, word(merged + target));
  }
  return 0;
}

// --- atoms --------------------------------------------------------------------------------------------------------

/**
 * Copies what is kept, with references to rows of the result and types of the result. `debug`: word index of a
 * table by row of SHELL of the result, counted from its first, 1 for DWARF: places in it that describe what was
 * discarded stay 0. Returns the number of aliases.
 */
export function copyAtoms(request: number, debug: number): number {
  const units = word(request + REQUEST.units);
  const count = word(request + REQUEST.count);
  addParts(request);
  let aliases = 0;
  for (let at = 0; at < count; at = at + 1) {
    const first = word(word(UNIT.atoms) + word(units + at));
    const end = first + word(word(UNIT.atomCount) + word(units + at));
    for (let atom = first; atom < end; atom = atom + 1) {
      if (isKept(atom) === 0) continue;
      copyAtom(request, atom, debug);
      if (word(word(ATOM.owner) + atom) !== 0) aliases = aliases + 1;
    }
  }
  return aliases;
}

/** Room for references and records of all that is kept; the first rows become those of the first atom. */
function addParts(request: number): number {
  const units = word(request + REQUEST.units);
  let references = 0;
  let records = 0;
  for (let at = 0; at < word(request + REQUEST.count); at = at + 1) {
    const first = word(word(UNIT.atoms) + word(units + at));
    const end = first + word(word(UNIT.atomCount) + word(units + at));
    for (let atom = first; atom < end; atom = atom + 1) {
      if (isKept(atom) === 0) continue;
      references = references + word(word(ATOM.referenceCount) + atom);
      records = records + word(word(ATOM.recordCount) + atom);
    }
  }
  setWord(request + REQUEST.nextReference, addRows(REFERENCE.count, REFERENCE.width, references));
  setWord(request + REQUEST.nextRecord, addRows(RECORD.count, RECORD.width, records));
  return references;
}

function copyAtom(request: number, atom: number, debug: number): number {
  const to = word(word(ATOM.merged) + atom);
  const result = word(request + REQUEST.result);
  const kind = word(word(ATOM.kind) + atom);
  setWord(word(ATOM.unit) + to, result);
  setWord(word(ATOM.kind) + to, kind);
  setWord(word(ATOM.name) + to, word(word(ATOM.name) + atom));
  setWord(word(ATOM.source) + to, word(word(ATOM.source) + atom));
  setWord(word(ATOM.type) + to, resultType(atom));
  copyBinding(request, atom, to);
  if (kind === ATOM_KIND.extern) setWord(word(ATOM.section) + to, word(word(ATOM.section) + atom));
  else copyDefinition(request, atom, to, debug);
  return to;
}

/** BtfId of the result; 0: none. */
function resultType(atom: number): number {
  const row = typeRow(atom);
  return row === 0 ? 0 : word(word(TYPE.result) + row);
}

/**
 * Binding and visibility of the chosen symbol, from all symbols of its name. An unresolved extern is strong when
 * any reference is. A weak definition that is referenced strongly becomes global in a final link, as in libbpf; a
 * partial link keeps it weak, since a strong one may follow.
 */
function copyBinding(request: number, atom: number, to: number): number {
  const group = word(word(ATOM.group) + atom);
  let binding = word(word(ATOM.binding) + atom);
  let visibility = word(word(ATOM.visibility) + atom);
  if (group > 0) {
    const isNeeded = word(word(GROUP.strong) + group) === 1;
    visibility = word(word(GROUP.hidden) + group);
    if (word(word(ATOM.kind) + atom) === ATOM_KIND.extern)
      binding = isNeeded ? ATOM_BINDING.global : ATOM_BINDING.weak;
    else if (binding === ATOM_BINDING.weak && isNeeded && word(request + REQUEST.partial) === 0)
      binding = ATOM_BINDING.global;
  }
  setWord(word(ATOM.binding) + to, binding);
  if (visibility !== 0) setWord(word(ATOM.visibility) + to, visibility);
  return 0;
}

function copyDefinition(request: number, atom: number, to: number, debug: number): number {
  const shell = word(word(SHELL.merged) + word(word(ATOM.shell) + atom));
  setWord(word(ATOM.shell) + to, shell);
  setWord(word(ATOM.offset) + to, word(word(ATOM.offset) + atom));
  setWord(word(ATOM.size) + to, word(word(ATOM.size) + atom));
  setWord(word(ATOM.align) + to, word(word(ATOM.align) + atom));
  setWord(word(ATOM.lines) + to, word(word(ATOM.lines) + atom));
  setWord(word(ATOM.lineCount) + to, word(word(ATOM.lineCount) + atom));
  setWord(word(ATOM.lineBase) + to, word(word(ATOM.lineBase) + atom));
  if (word(request + REQUEST.partial) === 1) setWord(word(ATOM.common) + to, word(word(ATOM.common) + atom));
  setWord(word(ATOM.at) + to, contentsOf(atom, to, shell));
  const first = word(word(UNIT.shells) + word(request + REQUEST.result));
  const isDebug = debug === 0 ? 0 : word(debug + shell - first);
  setWord(word(ATOM.references) + to, word(request + REQUEST.nextReference));
  setWord(word(ATOM.referenceCount) + to, copyReferences(request, atom, isDebug));
  copyRecords(request, atom, to);
  return 0;
}

/** Variables of NOBITS get bytes where another input has contents for the section, unless they stay tentative. */
function contentsOf(atom: number, to: number, shell: number): number {
  const at = word(word(ATOM.at) + atom);
  if (at !== 0 || word(word(ATOM.common) + to) === 1) return at;
  return word(word(SHELL.type) + shell) === SHT_NOBITS ? 0 : alloc(word(word(ATOM.size) + atom) + 1);
}

function copyReferences(request: number, atom: number, isDebug: number): number {
  const start = word(request + REQUEST.nextReference);
  const from = word(word(ATOM.references) + atom);
  const end = from + word(word(ATOM.referenceCount) + atom);
  const atoms = word(REFERENCE.atom);
  const merged = word(ATOM.merged);
  let to = start;
  for (let reference = from; reference < end; reference = reference + 1) {
    const target = word(atoms + reference);
    if (isDebug === 1 && isDiscarded(target) === 1) continue;
    setWord(atoms + to, word(merged + target));
    setWord(word(REFERENCE.kind) + to, word(word(REFERENCE.kind) + reference));
    setWord(word(REFERENCE.place) + to, word(word(REFERENCE.place) + reference));
    setWord(word(REFERENCE.addend) + to, word(word(REFERENCE.addend) + reference));
    setWord(word(REFERENCE.high) + to, word(word(REFERENCE.high) + reference));
    to = to + 1;
  }
  setWord(request + REQUEST.nextReference, to);
  return to - start;
}

/** Whether DWARF describes something else than what takes the place of an atom. Equal strings are the same thing. */
function isDiscarded(atom: number): number {
  return isKept(atom) === 1 || word(word(ATOM.dropped) + atom) === 2 ? 0 : 1;
}

function copyRecords(request: number, atom: number, to: number): number {
  const from = word(word(ATOM.records) + atom);
  const count = word(word(ATOM.recordCount) + atom);
  if (count === 0) return 0;
  const types = word(word(UNIT.types) + word(word(ATOM.unit) + atom));
  const start = word(request + REQUEST.nextRecord);
  setWord(word(ATOM.records) + to, start);
  setWord(word(ATOM.recordCount) + to, count);
  for (let at = 0; at < count; at = at + 1) {
    setWord(word(RECORD.place) + start + at, word(word(RECORD.place) + from + at));
    setWord(
      word(RECORD.type) + start + at,
      word(word(TYPE.result) + types + word(word(RECORD.type) + from + at)),
    );
    setWord(word(RECORD.access) + start + at, word(word(RECORD.access) + from + at));
    setWord(word(RECORD.kind) + start + at, word(word(RECORD.kind) + from + at));
  }
  setWord(request + REQUEST.nextRecord, start + count);
  return count;
}
