/**
 * Equal strings of mergeable sections: a hash table of those that are kept, by content, section and alignment. Each
 * slot has an atom and its hash. What equals an earlier one gets it as ATOM.target.
 */

import { SHF_STRINGS } from '../../elf/constants.ts';
import { ATOM_KIND } from '../../image/codes.ts';
import { EQUAL_HASH, keyedText, PROBES } from '../../image/keys.kernel.ts';
import { ATOM, SHELL, UNIT } from '../../image/layout.ts';
import { byte, fill, setWord, word } from '../../image/memory.ts';
import { alloc } from '../../image/tables.kernel.ts';
import { REQUEST } from '../resolve/request.ts';

/** ATOM.dropped of a string that is in the result once. */
const DUPLICATE = 2;

/** Returns the number of strings that are in the result already. */
export function markDuplicates(request: number): number {
  const units = word(request + REQUEST.units);
  const count = word(request + REQUEST.count);
  let strings = 0;
  for (let at = 0; at < count; at = at + 1) strings = strings + countStrings(word(units + at));
  if (strings === 0) return 0;
  let size = 64;
  while (size < strings << 1) size = size << 1;
  const slots = alloc(size << 3);
  for (let keyed = 0; ; keyed = 1) {
    let duplicates = 0;
    for (let at = 0; at < count && duplicates >= 0; at = at + 1) {
      const marked = markUnit(word(units + at), slots >> 2, (size - 1) << 1, keyed);
      duplicates = marked < 0 ? marked : duplicates + marked;
    }
    if (duplicates >= 0) return duplicates;
    unmarkAll(units, count);
    fill(slots, 0, size << 3);
  }
}

/** Strings are all kept again. */
function unmarkAll(units: number, count: number): number {
  for (let at = 0; at < count; at = at + 1) {
    const first = word(word(UNIT.atoms) + word(units + at));
    const end = first + word(word(UNIT.atomCount) + word(units + at));
    for (let atom = first; atom < end; atom = atom + 1) {
      if (word(word(ATOM.dropped) + atom) !== DUPLICATE) continue;
      setWord(word(ATOM.target) + atom, atom);
      setWord(word(ATOM.dropped) + atom, 0);
    }
  }
  return count;
}

/** An anonymous piece of a section that allows merging, which is kept. */
function isString(atom: number): number {
  if (word(word(ATOM.kind) + atom) !== ATOM_KIND.variable || word(word(ATOM.name) + atom) !== 0) return 0;
  if (word(word(ATOM.at) + atom) === 0 || word(word(ATOM.referenceCount) + atom) !== 0) return 0;
  const shell = word(word(SHELL.merged) + word(word(ATOM.shell) + atom));
  if ((word(word(SHELL.flags) + shell) & SHF_STRINGS) === 0) return 0;
  return word(word(ATOM.target) + atom) === atom && word(word(ATOM.dropped) + atom) === 0 ? 1 : 0;
}

function countStrings(unit: number): number {
  if (allowsMerging(unit) === 0) return 0;
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  let count = 0;
  for (let atom = first; atom < end; atom = atom + 1) count = count + isString(atom);
  return count;
}

function allowsMerging(unit: number): number {
  const first = word(word(UNIT.shells) + unit);
  const end = first + word(word(UNIT.shellCount) + unit);
  for (let shell = first; shell < end; shell = shell + 1)
    if ((word(word(SHELL.flags) + word(word(SHELL.merged) + shell)) & SHF_STRINGS) !== 0) return 1;
  return 0;
}

/** Returns the number of duplicates; -1 when hashes that take no key crowd. */
function markUnit(unit: number, slots: number, ring: number, keyed: number): number {
  if (allowsMerging(unit) === 0) return 0;
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  let duplicates = 0;
  for (let atom = first; atom < end; atom = atom + 1) {
    if (isString(atom) === 0) continue;
    const known = knownString(atom, slots, ring, keyed);
    if (known === atom) continue;
    if (known === 0) return -1;
    setWord(word(ATOM.target) + atom, known);
    setWord(word(ATOM.dropped) + atom, DUPLICATE);
    duplicates = duplicates + 1;
  }
  return duplicates;
}

/** The first equal string, which is the atom itself if it is new; 0 when hashes that take no key crowd. */
function knownString(atom: number, slots: number, ring: number, keyed: number): number {
  const at = word(word(ATOM.at) + atom);
  const size = word(word(ATOM.size) + atom);
  const hash = keyed === 0 ? hashOf(at, at + size) : keyedText(at, size);
  let slot = (hash << 1) & ring;
  let known = word(slots + slot);
  let steps = 0;
  while (known !== 0) {
    if (word(slots + slot + 1) === hash) {
      if (isEqual(known, atom) === 1) return known;
      steps = steps + EQUAL_HASH;
    }
    steps = steps + 1;
    if (steps > PROBES && keyed === 0) return 0;
    slot = (slot + 2) & ring;
    known = word(slots + slot);
  }
  setWord(slots + slot, atom);
  setWord(slots + slot + 1, hash);
  return atom;
}

function hashOf(at: number, end: number): number {
  let hash = 0;
  for (let address = at; address < end; address = address + 1)
    hash = Math.imul(hash ^ byte(address), 0x01000193);
  return hash ^ (hash >>> 15);
}

function isEqual(a: number, b: number): number {
  const merged = word(SHELL.merged);
  const size = word(word(ATOM.size) + a);
  if (size !== word(word(ATOM.size) + b) || word(word(ATOM.align) + a) !== word(word(ATOM.align) + b))
    return 0;
  if (word(merged + word(word(ATOM.shell) + a)) !== word(merged + word(word(ATOM.shell) + b))) return 0;
  const left = word(word(ATOM.at) + a);
  const right = word(word(ATOM.at) + b);
  for (let at = 0; at < size; at = at + 1) if (byte(left + at) !== byte(right + at)) return 0;
  return 1;
}
