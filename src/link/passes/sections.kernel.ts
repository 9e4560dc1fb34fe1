/**
 * Sections of all units, merged by name: SHELL.merged of each is its row in the result.
 *
 * The rules for two sections of one name are functions of numbers, which edits of sections use too.
 */

import { SHF_MERGE, SHF_STRINGS, SHT_NOBITS, SHT_PROGBITS } from '../../elf/constants.ts';
import { ATOM_KIND } from '../../image/codes.ts';
import { ATOM, HEADER, NAME, SHELL, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { addRows, alloc, fault } from '../../image/tables.kernel.ts';
import { LINK_FAULT } from '../resolve/faults.ts';
import { REQUEST } from '../resolve/request.ts';

const MERGE_FLAGS = SHF_MERGE | SHF_STRINGS;
/** Values of maps, which data sections become, have less than 2 GiB. */
const MAX_SIZE = 0x7fffffff;

/** A section that is NOBITS in one input and PROGBITS in another becomes PROGBITS. */
export function unitedType(a: number, b: number): number {
  return a === b ? a : SHT_PROGBITS;
}

/** Merging (`SHF_MERGE | SHF_STRINGS`) is allowed only where all inputs allow it; the others are combined. */
export function unitedFlags(a: number, b: number, isOfOneSize: number): number {
  const merge = isOfOneSize === 1 ? a & b & MERGE_FLAGS : 0;
  return ((a | b) & ~MERGE_FLAGS) | merge;
}

/** Adds the sections to REQUEST.result; code and data of one name are a fault. */
export function mergeShells(request: number): number {
  const known = alloc(word(NAME.count) << 2) >> 2;
  const result = word(request + REQUEST.result);
  const units = word(request + REQUEST.units);
  setWord(word(UNIT.shells) + result, addRows(SHELL.count, SHELL.width, 0));
  for (let at = 0; at < word(request + REQUEST.count); at = at + 1) {
    const unit = word(units + at);
    const first = word(word(UNIT.shells) + unit);
    const end = first + word(word(UNIT.shellCount) + unit);
    for (let shell = first; shell < end; shell = shell + 1) mergeShell(known, result, shell);
  }
  return word(word(UNIT.shellCount) + result);
}

function mergeShell(known: number, result: number, shell: number): number {
  const name = word(word(SHELL.name) + shell);
  const merged = word(known + name);
  if (merged === 0) return firstShell(known, result, shell);
  setWord(word(SHELL.merged) + shell, merged);
  if (word(word(SHELL.role) + shell) !== word(word(SHELL.role) + merged))
    fault(LINK_FAULT.role, word(word(SHELL.unit) + shell), shell, merged);
  const isOfOneSize = haveOneSize(shell, merged);
  const types = word(SHELL.type);
  const flags = word(SHELL.flags);
  const aligns = word(SHELL.align);
  setWord(types + merged, unitedType(word(types + merged), word(types + shell)));
  setWord(flags + merged, unitedFlags(word(flags + merged), word(flags + shell), isOfOneSize));
  if (word(aligns + merged) >>> 0 < word(aligns + shell) >>> 0)
    setWord(aligns + merged, word(aligns + shell));
  if (isOfOneSize === 0) {
    setWord(word(SHELL.entsize) + merged, 0);
    setWord(word(SHELL.entsizeHigh) + merged, 0);
  }
  return merged;
}

/** 1 if two sections have entries of one size. */
function haveOneSize(a: number, b: number): number {
  const low = word(SHELL.entsize);
  const high = word(SHELL.entsizeHigh);
  return word(low + a) === word(low + b) && word(high + a) === word(high + b) ? 1 : 0;
}

function firstShell(known: number, result: number, shell: number): number {
  const merged = addRows(SHELL.count, SHELL.width, 1);
  setWord(known + word(word(SHELL.name) + shell), merged);
  setWord(word(SHELL.merged) + shell, merged);
  setWord(word(SHELL.unit) + merged, result);
  setWord(word(SHELL.name) + merged, word(word(SHELL.name) + shell));
  setWord(word(SHELL.type) + merged, word(word(SHELL.type) + shell));
  setWord(word(SHELL.flags) + merged, word(word(SHELL.flags) + shell));
  setWord(word(SHELL.align) + merged, word(word(SHELL.align) + shell));
  setWord(word(SHELL.entsize) + merged, word(word(SHELL.entsize) + shell));
  setWord(word(SHELL.entsizeHigh) + merged, word(word(SHELL.entsizeHigh) + shell));
  setWord(word(SHELL.role) + merged, word(word(SHELL.role) + shell));
  setWord(word(UNIT.shellCount) + result, word(word(UNIT.shellCount) + result) + 1);
  return merged;
}

// --- sizes --------------------------------------------------------------------------------------------------------

/**
 * A fault for each section of the result that no map or file can hold, and of which too many zeros would be written
 * (1 as its second operand). All symbols count, chosen or not.
 */
export function checkSizes(request: number): number {
  const result = word(request + REQUEST.result);
  const first = word(word(UNIT.shells) + result);
  const count = word(word(UNIT.shellCount) + result);
  const sizes = alloc(count << 2) >> 2;
  const zeros = alloc(count << 2) >> 2;
  const units = word(request + REQUEST.units);
  for (let at = 0; at < word(request + REQUEST.count); at = at + 1)
    addSizes(word(units + at), sizes - first, zeros - first);
  for (let at = 0; at < count; at = at + 1) {
    const isWritten = word(word(SHELL.type) + first + at) !== SHT_NOBITS;
    if (word(sizes + at) < 0 || (isWritten && word(zeros + at) < 0))
      fault(LINK_FAULT.size, 0, first + at, word(sizes + at) < 0 ? 0 : 1);
  }
  return count;
}

function addSizes(unit: number, sizes: number, zeros: number): number {
  const first = word(word(UNIT.atoms) + unit);
  const end = first + word(word(UNIT.atomCount) + unit);
  const kinds = word(ATOM.kind);
  const contents = word(ATOM.at);
  const most = word(HEADER.zerosLimit);
  for (let atom = first; atom < end; atom = atom + 1) {
    if (word(kinds + atom) === ATOM_KIND.extern) continue;
    const shell = word(word(SHELL.merged) + word(word(ATOM.shell) + atom));
    const size = word(word(ATOM.size) + atom);
    addSize(sizes + shell, size, MAX_SIZE);
    if (word(kinds + atom) === ATOM_KIND.variable && word(contents + atom) === 0)
      addSize(zeros + shell, size, most);
  }
  return 0;
}

/** Adds to a sum, which is -1 once it is more than `limit`. */
function addSize(sum: number, size: number, limit: number): number {
  const before = word(sum);
  setWord(sum, before < 0 || size < 0 || before > limit - size ? -1 : before + size);
  return 0;
}
