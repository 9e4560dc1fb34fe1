/**
 * What a relocation refers to: the atom, and how far into it (READER.addend, high).
 *
 * Symbols of atoms refer to the atom. Section symbols and labels are addresses: they refer to the atom that covers
 * them. A call must refer to the start of a function, and an address must be within its atom. This also detects the
 * output of the assembler of binutils 2.40, which adds the symbol's value to the addend.
 *
 * Addends are two words here, so that no sum of an offset and a distance is lost. `symbol` is a row of SYMBOL.
 */

import { STT_SECTION } from '../../../elf/constants.ts';
import { ATOM_KIND } from '../../../image/codes.ts';
import { ATOM, SECTION, SYMBOL, UNIT } from '../../../image/layout.ts';
import { word } from '../../../image/memory.ts';
import { OBJECT_FAULT } from '../faults.ts';
import { atomCovering } from './atoms.kernel.ts';
import { READER } from './reader.ts';
import { refuse, sectionRow, setState, state } from './state.kernel.ts';

/**
 * The atom that a relocation at `offset` of the section of `atom` refers to; 0, with a fault, for none. The scan of the
 * file has refused relocations without a symbol.
 */
export function targetOf(
  unit: number,
  atom: number,
  offset: number,
  symbol: number,
  low: number,
  high: number,
): number {
  const named = word(word(SYMBOL.atom) + symbol);
  if (named !== 0) {
    setAddend(low, high);
    return named;
  }
  const section = sectionOfSymbol(unit, symbol);
  if (section === 0) return refuse(OBJECT_FAULT.dropped, unit, atom, offset, symbol, 0, 0);
  const found = atomOfAddress(section, symbol, low, high);
  if (found !== 0) return found;
  addValue(symbol, low, high);
  return refuse(OBJECT_FAULT.nowhere, unit, atom, offset, symbol, state(READER.addend), state(READER.high));
}

/** 1: the relocation leads to an atom. DWARF also describes discarded code. */
export function isReachable(unit: number, symbol: number, low: number, high: number): number {
  if (word(word(SYMBOL.atom) + symbol) !== 0) return 1;
  const section = sectionOfSymbol(unit, symbol);
  return section !== 0 && atomOfAddress(section, symbol, low, high) !== 0 ? 1 : 0;
}

/** Row of SECTION of a symbol in a section that is kept; else 0. */
function sectionOfSymbol(unit: number, symbol: number): number {
  const index = word(word(SYMBOL.section) + symbol);
  if (index >= word(word(UNIT.sectionCount) + unit)) return 0;
  const section = sectionRow(unit, index);
  return word(word(SECTION.shell) + section) === 0 ? 0 : section;
}

/** The atom that an address covers, which a section symbol or a label and an addend make. */
function atomOfAddress(section: number, symbol: number, low: number, high: number): number {
  addValue(symbol, low, high);
  if (state(READER.high) !== 0) return 0;
  const offset = state(READER.addend);
  const atom = atomCovering(section, offset);
  if (atom === 0) return 0;
  const distance = (offset - word(word(ATOM.offset) + atom)) | 0;
  setAddend(distance, 0);
  return atom;
}

/** Low and high word of the address into READER.addend and high. */
function addValue(symbol: number, low: number, high: number): number {
  const value = word(word(SYMBOL.type) + symbol) === STT_SECTION ? 0 : word(word(SYMBOL.value) + symbol);
  const sum = (low + value) | 0;
  setState(READER.addend, sum);
  setState(READER.high, sum >>> 0 < value >>> 0 ? (high + 1) | 0 : high);
  return sum;
}

/** An addend of two words as REFERENCE has it. */
function setAddend(low: number, high: number): number {
  setState(READER.addend, low);
  setState(READER.high, low < 0 ? (high + 1) | 0 : high);
  return low;
}

/** The function that a relocated call calls; 0, with a fault, for anything else. */
export function callTarget(
  unit: number,
  atom: number,
  offset: number,
  symbol: number,
  low: number,
  high: number,
): number {
  const target = targetOf(unit, atom, offset, symbol, low, high);
  if (target === 0) return 0;
  const kind = word(word(ATOM.kind) + target);
  if (kind !== ATOM_KIND.function && kind !== ATOM_KIND.extern)
    return refuse(OBJECT_FAULT.callData, unit, atom, offset, target, 0, 0);
  const addend = state(READER.addend);
  if (addend === 0 && state(READER.high) === 0) return target;
  const code =
    word(word(SYMBOL.type) + symbol) !== STT_SECTION ? OBJECT_FAULT.callAddend : OBJECT_FAULT.callInside;
  return refuse(code, unit, atom, offset, target, addend, state(READER.high));
}

/** The atom whose address a relocated `ld_imm64` loads; 0, with a fault, where it is outside. */
export function addressTarget(
  unit: number,
  atom: number,
  offset: number,
  symbol: number,
  low: number,
  high: number,
): number {
  const target = targetOf(unit, atom, offset, symbol, low, high);
  if (target === 0 || isInside(target, state(READER.addend), state(READER.high)) === 1) return target;
  return refuse(
    OBJECT_FAULT.loadAddend,
    unit,
    atom,
    offset,
    target,
    state(READER.addend),
    state(READER.high),
  );
}

/** One past the end of an array is a valid address in C; functions and maps are only referenced as a whole. */
function isInside(target: number, addend: number, high: number): number {
  if (addend === 0 && high === 0) return 1;
  const positive = high > 0 || (high === 0 && addend > 0);
  const kind = word(word(ATOM.kind) + target);
  if (!positive || (kind !== ATOM_KIND.extern && kind !== ATOM_KIND.variable)) return 0;
  if (kind === ATOM_KIND.extern) return 1;
  if (high > 1 || (high === 1 && addend >= 0)) return 0;
  return word(word(ATOM.size) + target) >>> 0 < addend >>> 0 ? 0 : 1;
}
