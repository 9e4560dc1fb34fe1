/**
 * Checks of what names resolve to. A kernel finds the rows that are wrong, or that only the rule in TypeScript can
 * judge, and adds a fault for each, in order; most links have none.
 */

import { ATOM_BINDING, ATOM_KIND } from '../../image/codes.ts';
import { ATOM, GROUP, REFERENCE, TYPE, UNIT } from '../../image/layout.ts';
import { byte, word } from '../../image/memory.ts';
import { fault } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { LINK_FAULT } from './faults.ts';
import { REQUEST } from './request.ts';
import { isKernelName } from './resolve.kernel.ts';

// --- names without a definition -----------------------------------------------------------------------------------

/** A fault for each group that nothing defines, that something needs, and that the kernel does not resolve. */
export function findUndefined(request: number): number {
  const end = word(request + REQUEST.endGroup);
  for (let group = word(request + REQUEST.firstGroup); group < end; group = group + 1) {
    if (word(word(GROUP.defined) + group) === 1 || word(word(GROUP.strong) + group) === 0) continue;
    if (isKernelName(request, word(word(GROUP.winner) + group)) === 0)
      fault(LINK_FAULT.undefined, 0, group, 0);
  }
  return end;
}

// --- references ---------------------------------------------------------------------------------------------------

/** The definition that replaces an atom, if it is another atom and does not clash; else 0. */
function chosen(atom: number): number {
  const group = word(word(ATOM.group) + atom);
  if (group <= 0 || word(word(GROUP.clashing) + group) === 1) return 0;
  const winner = word(word(GROUP.winner) + group);
  return winner === atom ? 0 : winner;
}

/** References of code beyond the end of the chosen definition; one past the end is a valid address in C. */
export function findAddends(request: number): number {
  const units = word(request + REQUEST.units);
  for (let at = 0; at < word(request + REQUEST.count); at = at + 1) {
    const first = word(word(UNIT.atoms) + word(units + at));
    const end = first + word(word(UNIT.atomCount) + word(units + at));
    for (let atom = first; atom < end; atom = atom + 1)
      if (word(word(ATOM.kind) + atom) === ATOM_KIND.function) findAddendsOf(word(units + at), atom);
  }
  return 0;
}

function findAddendsOf(unit: number, atom: number): number {
  const first = word(word(ATOM.references) + atom);
  const end = first + word(word(ATOM.referenceCount) + atom);
  const addends = word(REFERENCE.addend);
  for (let reference = first; reference < end; reference = reference + 1) {
    const addend = word(addends + reference);
    if (addend === 0) continue;
    const target = word(word(REFERENCE.atom) + reference);
    const winner = chosen(target);
    if (winner === 0 || word(word(GROUP.defined) + word(word(ATOM.group) + target)) === 0) continue;
    const isVariable = word(word(ATOM.kind) + winner) === ATOM_KIND.variable;
    if (isVariable && addend > 0 && addend <= word(word(ATOM.size) + winner)) continue;
    fault(LINK_FAULT.addend, unit, atom, reference);
  }
  return 0;
}

/**
 * A fault for each unit with a reference to another unit's symbol that is not obviously right: a call of what is not a
 * function, an address of what has no declaration, an initial value of a map.
 */
export function findReferences(request: number): number {
  const units = word(request + REQUEST.units);
  for (let at = 0; at < word(request + REQUEST.count); at = at + 1)
    if (isDoubtfulUnit(request, word(units + at)) === 1) fault(LINK_FAULT.reference, word(units + at), at, 0);
  return 0;
}

function isDoubtfulUnit(request: number, unit: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  for (let atom = first; atom < end; atom = atom + 1) {
    const kind = word(word(ATOM.kind) + atom);
    if (kind !== ATOM_KIND.function && kind !== ATOM_KIND.map) continue;
    const from = word(word(ATOM.references) + atom);
    const to = from + word(word(ATOM.referenceCount) + atom);
    for (let reference = from; reference < to; reference = reference + 1) {
      const target = word(word(REFERENCE.atom) + reference);
      const winner = chosen(target);
      if (winner !== 0 && isPlainUse(request, kind, reference, target, winner) === 0) return 1;
    }
  }
  return 0;
}

function isPlainUse(
  request: number,
  kind: number,
  reference: number,
  target: number,
  winner: number,
): number {
  if (kind === ATOM_KIND.map) return 0;
  if (word(word(REFERENCE.kind) + reference) === 0)
    return declaredKind(request, winner) === ATOM_KIND.function ? 1 : 0;
  return declaredKind(request, target) === ATOM_KIND.extern ? 0 : 1;
}

/** What an atom is, or what its declaration says; ATOM_KIND.extern: it is not declared. */
export function declaredKind(request: number, atom: number): number {
  const kind = word(word(ATOM.kind) + atom);
  if (kind !== ATOM_KIND.extern) return kind;
  if (word(word(ATOM.section) + atom) === word(request + REQUEST.maps)) return ATOM_KIND.map;
  const row = typeRow(atom);
  if (row === 0) return ATOM_KIND.extern;
  return kindOf(row) === BTF_KIND.FUNC ? ATOM_KIND.function : ATOM_KIND.variable;
}

/** Row of TYPE of an atom; 0: it has no type. */
function typeRow(atom: number): number {
  const type = word(word(ATOM.type) + atom);
  return type === 0 ? 0 : word(word(UNIT.types) + word(word(ATOM.unit) + atom)) + type;
}

function kindOf(row: number): number {
  return (word(word(word(TYPE.start) + row) + 1) >>> 24) & 31;
}

// --- declarations and definitions ---------------------------------------------------------------------------------

/** A fault for each definition and other symbol of its name of which one may have no type of its author. */
export function findUnchecked(request: number): number {
  const end = word(request + REQUEST.endGroup);
  for (let group = word(request + REQUEST.firstGroup); group < end; group = group + 1) {
    if (word(word(GROUP.members) + group) < 2) continue;
    const winner = word(word(GROUP.winner) + group);
    const isTyped = hasType(winner);
    for (let atom = word(word(GROUP.first) + group); atom !== 0; atom = word(word(ATOM.next) + atom)) {
      if (atom === winner || (isTyped === 1 && hasType(atom) === 1)) continue;
      fault(LINK_FAULT.unchecked, 0, winner, atom);
    }
  }
  return end;
}

/** Whether an atom certainly has a type of its author: FUNC and static is what rootlet makes for global functions. */
function hasType(atom: number): number {
  const row = typeRow(atom);
  if (row === 0) return 0;
  if (
    word(word(ATOM.kind) + atom) !== ATOM_KIND.function ||
    word(word(ATOM.binding) + atom) === ATOM_BINDING.local
  )
    return 1;
  return kindOf(row) === BTF_KIND.FUNC && (word(word(word(TYPE.start) + row) + 1) & 0xffff) === 0 ? 0 : 1;
}

/**
 * A fault for each symbol that does not agree with the chosen one of its name by its type after deduplication: the
 * rule that compares types may find that it agrees all the same.
 */
export function findDisagreement(request: number): number {
  const end = word(request + REQUEST.endGroup);
  for (let group = word(request + REQUEST.firstGroup); group < end; group = group + 1) {
    if (word(word(GROUP.members) + group) < 2 || word(word(GROUP.clashing) + group) === 1) continue;
    const winner = word(word(GROUP.winner) + group);
    for (let atom = word(word(GROUP.first) + group); atom !== 0; atom = word(word(ATOM.next) + atom))
      if (atom !== winner && isSameType(request, winner, atom) === 0)
        fault(LINK_FAULT.agreement, 0, winner, atom);
  }
  return end;
}

function isSameType(request: number, a: number, b: number): number {
  if (hasType(a) === 0 || hasType(b) === 0) return 0;
  if (word(word(ATOM.common) + a) === 1 || word(word(ATOM.common) + b) === 1) return 0;
  const kind = declaredKind(request, a);
  if (kind !== declaredKind(request, b)) return 0;
  // two definitions of a map may differ in their initial entries
  if (kind === ATOM_KIND.map && word(word(ATOM.kind) + b) !== ATOM_KIND.extern) return 0;
  if (isKernelName(request, a) !== isKernelName(request, b)) return 0;
  if (word(word(ATOM.section) + a) !== word(word(ATOM.section) + b) && isKernelName(request, a) === 1)
    return 0;
  return isSameDeclaration(a, b);
}

/** Whether the FUNC or VAR of two symbols of one name have the same type. */
function isSameDeclaration(a: number, b: number): number {
  const left = typeRow(a);
  const right = typeRow(b);
  const kind = kindOf(left);
  if (kind !== kindOf(right) || (kind !== BTF_KIND.FUNC && kind !== BTF_KIND.VAR)) return 0;
  if (isStatic(left) !== isStatic(right) || isSameName(a, b) === 0) return 0;
  const here = word(word(word(TYPE.start) + left) + 2);
  const there = word(word(word(TYPE.start) + right) + 2);
  if (isSame(typesOf(a), here, typesOf(b), there) === 1) return 1;
  return kind === BTF_KIND.FUNC ? isSamePrototype(typesOf(a), here, typesOf(b), there) : 0;
}

/** Row of TYPE of void of the unit of an atom. */
function typesOf(atom: number): number {
  return word(word(UNIT.types) + word(word(ATOM.unit) + atom));
}

/** Linkage of a FUNC is in its info, of a VAR after its type. */
function isStatic(row: number): number {
  const start = word(word(TYPE.start) + row);
  return (kindOf(row) === BTF_KIND.FUNC ? word(start + 1) & 0xffff : word(start + 3)) === 0 ? 1 : 0;
}

/** Whether two ids, counted from the rows of void of their units, have one representative. */
function isSame(types: number, id: number, otherTypes: number, otherId: number): number {
  if (id === 0 || otherId === 0) return id === otherId ? 1 : 0;
  const left = word(word(TYPE.same) + types + id);
  return left !== 0 && left === word(word(TYPE.same) + otherTypes + otherId) ? 1 : 0;
}

/** Two prototypes that may have other names of parameters. */
function isSamePrototype(types: number, id: number, otherTypes: number, otherId: number): number {
  if (id === 0 || otherId === 0 || kindOf(types + id) !== BTF_KIND.FUNC_PROTO) return 0;
  const left = word(word(TYPE.start) + types + id);
  const right = word(word(TYPE.start) + otherTypes + otherId);
  if (kindOf(otherTypes + otherId) !== BTF_KIND.FUNC_PROTO || word(left + 1) !== word(right + 1)) return 0;
  if (isSame(types, word(left + 2), otherTypes, word(right + 2)) === 0) return 0;
  const end = 4 + ((word(left + 1) & 0xffff) << 1);
  for (let at = 4; at < end; at = at + 2)
    if (isSame(types, word(left + at), otherTypes, word(right + at)) === 0) return 0;
  return 1;
}

function isSameName(a: number, b: number): number {
  let left = nameOf(a);
  let right = nameOf(b);
  while (byte(left) !== 0 && byte(left) === byte(right)) {
    left = left + 1;
    right = right + 1;
  }
  return byte(left) === byte(right) ? 1 : 0;
}

/** Address of the name of the type of an atom. */
function nameOf(atom: number): number {
  return (
    word(word(UNIT.strings) + word(word(ATOM.unit) + atom)) + word(word(word(TYPE.start) + typeRow(atom)))
  );
}

// --- maps ---------------------------------------------------------------------------------------------------------

/** A fault for each group whose winner is a map that overrides other definitions. */
export function findOverridingMaps(request: number): number {
  const end = word(request + REQUEST.endGroup);
  for (let group = word(request + REQUEST.firstGroup); group < end; group = group + 1) {
    const winner = word(word(GROUP.winner) + group);
    if (word(word(GROUP.members) + group) < 2 || word(word(ATOM.kind) + winner) !== ATOM_KIND.map) continue;
    if (isOverriding(group, winner) === 1) fault(LINK_FAULT.overriding, 0, group, 0);
  }
  return end;
}

function isOverriding(group: number, winner: number): number {
  for (let atom = word(word(GROUP.first) + group); atom !== 0; atom = word(word(ATOM.next) + atom))
    if (atom !== winner && word(word(ATOM.kind) + atom) !== ATOM_KIND.extern) return 1;
  return 0;
}
