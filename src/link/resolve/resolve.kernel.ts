/**
 * Resolution: every name of every scope gets a GROUP, whose members are chained through ATOM.next in order of
 * inputs, and then its winner.
 *
 * ATOM.group is 0 for what takes no part: local symbols, license and version; it is -1 where the caller has bound
 * a symbol explicitly. What wins is described in `resolve.ts`.
 */

import { ATOM_BINDING, ATOM_KIND } from '../../image/codes.ts';
import { ATOM, GROUP, NAME, SHELL, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { addRows, alloc } from '../../image/tables.kernel.ts';
import { KERNEL_SCOPE, REQUEST, SHARED_SCOPE } from './request.ts';

/** Groups all symbols of all units; REQUEST.firstGroup and endGroup say which rows of GROUP are theirs. */
export function groupAtoms(request: number): number {
  const heads = alloc(word(NAME.count) << 2) >> 2;
  const units = word(request + REQUEST.units);
  const first = addRows(GROUP.count, GROUP.width, 0);
  setWord(request + REQUEST.firstGroup, first);
  for (let at = 0; at < word(request + REQUEST.count); at = at + 1)
    groupUnit(request, heads, word(units + at), at);
  setWord(request + REQUEST.endGroup, word(GROUP.count));
  return word(GROUP.count) - first;
}

function groupUnit(request: number, heads: number, unit: number, at: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const bindings = word(ATOM.binding);
  const groups = word(ATOM.group);
  const names = word(ATOM.name);
  for (let atom = first; atom < end; atom = atom + 1) {
    if (word(bindings + atom) === ATOM_BINDING.local || word(groups + atom) === -1) continue;
    if (isSingle(request, atom) === 1) continue;
    const name = word(names + atom);
    addMember(heads, name, scopeOf(request, at, name, atom), atom);
  }
  return 0;
}

/** License and version: found by their section, one of each in a result; their names do not count. */
export function isSingle(request: number, atom: number): number {
  if (word(word(ATOM.kind) + atom) !== ATOM_KIND.variable) return 0;
  const section = word(word(SHELL.name) + word(word(ATOM.shell) + atom));
  return section === word(request + REQUEST.license) || section === word(request + REQUEST.version) ? 1 : 0;
}

/** An extern that the loader resolves against the kernel. */
export function isKernelName(request: number, atom: number): number {
  if (word(word(ATOM.kind) + atom) !== ATOM_KIND.extern) return 0;
  const section = word(word(ATOM.section) + atom);
  if (section === 0) return 0;
  return section === word(request + REQUEST.ksyms) || section === word(request + REQUEST.kconfig) ? 1 : 0;
}

function scopeOf(request: number, at: number, name: number, atom: number): number {
  const scopes = word(request + REQUEST.scopes);
  if (scopes === 0) return 0;
  if (isKernelName(request, atom) === 1) return KERNEL_SCOPE;
  const shared = word(request + REQUEST.shared);
  return shared !== 0 && word(shared + name) === 1 ? SHARED_SCOPE : word(scopes + at);
}

/** Adds a symbol to the group of its name, which is made for its first member. */
function addMember(heads: number, name: number, scope: number, atom: number): number {
  let group = word(heads + name);
  while (group !== 0 && word(word(GROUP.scope) + group) !== scope) group = word(word(GROUP.other) + group);
  if (group === 0) {
    group = addRows(GROUP.count, GROUP.width, 1);
    setWord(word(GROUP.name) + group, name);
    setWord(word(GROUP.scope) + group, scope);
    setWord(word(GROUP.other) + group, word(heads + name));
    setWord(word(GROUP.first) + group, atom);
    setWord(heads + name, group);
  } else setWord(word(ATOM.next) + word(word(GROUP.last) + group), atom);
  setWord(word(GROUP.last) + group, atom);
  setWord(word(GROUP.members) + group, word(word(GROUP.members) + group) + 1);
  setWord(word(ATOM.group) + atom, group);
  return group;
}

// --- winners ------------------------------------------------------------------------------------------------------

/** Chooses the winner of every group; returns the number of groups with several strong definitions. */
export function settleGroups(request: number): number {
  let clashes = 0;
  const end = word(request + REQUEST.endGroup);
  for (let group = word(request + REQUEST.firstGroup); group < end; group = group + 1)
    clashes = clashes + settleGroup(request, group);
  return clashes;
}

/** A strong definition, else the largest tentative one, else the first weak one, else an extern. */
function settleGroup(request: number, group: number): number {
  const all = hasDefinition(group) === 1 ? 0 : 1;
  const kinds = word(ATOM.kind);
  const dropped = word(ATOM.dropped);
  let strongs = 0;
  let strong = 0;
  let common = 0;
  let weak = 0;
  for (let atom = word(word(GROUP.first) + group); atom !== 0; atom = word(word(ATOM.next) + atom)) {
    if (all === 0 && word(dropped + atom) === 1) continue;
    addReference(group, atom);
    if (word(kinds + atom) === ATOM_KIND.extern) continue;
    if (word(word(ATOM.common) + atom) === 1) common = largerOf(common, atom);
    else if (word(word(ATOM.binding) + atom) !== ATOM_BINDING.weak) {
      strongs = strongs + 1;
      if (strong === 0) strong = atom;
    } else if (weak === 0) weak = atom;
  }
  const best = strong !== 0 ? strong : common !== 0 ? common : weak;
  setWord(word(GROUP.winner) + group, best !== 0 ? best : openWinner(request, group));
  setWord(word(GROUP.defined) + group, best !== 0 ? 1 : 0);
  setWord(word(GROUP.clashing) + group, strongs > 1 ? 1 : 0);
  return strongs > 1 ? 1 : 0;
}

/** Whether a symbol of the group that is not in a dropped COMDAT group is a definition. */
function hasDefinition(group: number): number {
  const kinds = word(ATOM.kind);
  const dropped = word(ATOM.dropped);
  for (let atom = word(word(GROUP.first) + group); atom !== 0; atom = word(word(ATOM.next) + atom))
    if (word(kinds + atom) !== ATOM_KIND.extern && word(dropped + atom) === 0) return 1;
  return 0;
}

/** The most constraining visibility applies; a name that any extern needs is needed. */
function addReference(group: number, atom: number): number {
  if (word(word(ATOM.visibility) + atom) === 1) setWord(word(GROUP.hidden) + group, 1);
  if (
    word(word(ATOM.kind) + atom) === ATOM_KIND.extern &&
    word(word(ATOM.binding) + atom) !== ATOM_BINDING.weak
  )
    setWord(word(GROUP.strong) + group, 1);
  return 0;
}

/** The first of the largest. */
function largerOf(best: number, atom: number): number {
  if (best === 0) return atom;
  return word(word(ATOM.size) + best) >>> 0 < word(word(ATOM.size) + atom) >>> 0 ? atom : best;
}

/**
 * Of externs the one that is resolved in the kernel, if any: the loader then resolves all of them there. Else
 * the one with the fullest declaration: with a section, with a type.
 */
function openWinner(request: number, group: number): number {
  let best = 0;
  let most = -1;
  for (let atom = word(word(GROUP.first) + group); atom !== 0; atom = word(word(ATOM.next) + atom)) {
    const fullness = fullnessOf(request, atom);
    if (fullness > most) {
      most = fullness;
      best = atom;
    }
  }
  return best;
}

function fullnessOf(request: number, atom: number): number {
  if (isKernelName(request, atom) === 1) return 3;
  if (word(word(ATOM.section) + atom) !== 0) return 2;
  return word(word(ATOM.type) + atom) !== 0 ? 1 : 0;
}
