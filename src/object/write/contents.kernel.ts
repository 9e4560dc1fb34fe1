/**
 * Section contents and relocations: references go back into the bytes that they are in.
 *
 * Local functions of the same section are called pc-relative, as compilers do. Other local functions and variables
 * are referred to through their section, as loaders expect; maps and everything global by name.
 */

import { R_BPF_64_32, R_BPF_64_64, R_BPF_64_ABS32, R_BPF_64_ABS64, SHT_NOBITS } from '../../elf/constants.ts';
import { putElfRelocation } from '../../elf/write.kernel.ts';
import { ATOM_BINDING, ATOM_KIND, REFERENCE_KIND } from '../../image/codes.ts';
import { ATOM, RECORD, REFERENCE, SHELL, TYPE, UNIT } from '../../image/layout.ts';
import { byte, copy, setWord, word } from '../../image/memory.ts';
import { putLong, putWord } from '../../image/put.kernel.ts';
import { sortRecords } from '../../image/sort-records.kernel.ts';
import { fault } from '../../image/tables.kernel.ts';
import { OP_LD_IMM64 } from '../../isa/opcodes.ts';
import { BPF_CORE_TYPE_ID_LOCAL, BPF_CORE_TYPE_ID_TARGET } from '../../uapi/core-relocations.ts';
import { WRITE_FAULT } from './faults.ts';

/** Counts the relocations of each section of a unit that is laid out. Returns the number of sections with any. */
export function countRelocations(unit: number): number {
  const first = word(word(UNIT.shells) + unit);
  const end = first + word(word(UNIT.shellCount) + unit);
  let sections = 0;
  for (let shell = first; shell < end; shell = shell + 1) {
    const count = word(word(SHELL.type) + shell) === SHT_NOBITS ? 0 : relocationsOf(shell);
    setWord(word(SHELL.relocationCount) + shell, count);
    if (count !== 0) sections = sections + 1;
  }
  return sections;
}

function relocationsOf(shell: number): number {
  const members = word(word(SHELL.members) + shell);
  const end = members + word(word(SHELL.memberCount) + shell);
  const references = word(ATOM.references);
  const counts = word(ATOM.referenceCount);
  let count = 0;
  for (let member = members; member < end; member = member + 1) {
    const first = word(references + word(member));
    const last = first + word(counts + word(member));
    for (let reference = first; reference < last; reference = reference + 1)
      count = count + isRelocated(reference, shell);
  }
  return count;
}

/** 1: there is a relocation for a reference in a section. */
function isRelocated(reference: number, shell: number): number {
  const kind = word(word(REFERENCE.kind) + reference);
  if (kind === REFERENCE_KIND.code || kind === REFERENCE_KIND.codeWide) return 0;
  if (kind !== REFERENCE_KIND.call) return 1;
  const target = word(word(REFERENCE.atom) + reference);
  if (word(word(ATOM.kind) + target) !== ATOM_KIND.function) return 1;
  if (word(word(ATOM.binding) + target) !== ATOM_BINDING.local) return 1;
  return word(word(ATOM.shell) + target) === shell ? 0 : 1;
}

/**
 * Writes the contents of a section at an address that is a multiple of 8, and its relocations at another. 0 with a
 * fault where a reference cannot be written. `types`: see `typeOf`.
 */
export function putContents(
  unit: number,
  shell: number,
  at: number,
  relocations: number,
  types: number,
): number {
  const order = word(word(UNIT.order) + unit);
  const members = word(word(SHELL.members) + shell);
  const end = members + word(word(SHELL.memberCount) + shell);
  let next = relocations;
  for (let member = members; member < end; member = member + 1) {
    const atom = word(member);
    const to = at + word(word(ATOM.place) + atom);
    const from = word(word(ATOM.at) + atom);
    if (from !== 0) copy(to, from, word(word(ATOM.size) + atom));
    if (word(word(ATOM.referenceCount) + atom) !== 0) next = putReferences(atom, at, next, order);
    if (next === 0) return 0;
    if (word(word(ATOM.recordCount) + atom) !== 0) putTypeIds(unit, atom, to, types, order);
  }
  finishRelocations(relocations, next, order);
  return 1;
}

/** Relocations are written in host order, sorted, and then get the order of the file. */
function finishRelocations(first: number, end: number, order: number): number {
  sortRecords(first >> 2, (end - first) >> 4, 4);
  if (order === 0) return end;
  for (let at = first; at < end; at = at + 16) {
    const record = at >> 2;
    putElfRelocation(at, word(record), word(record + 2), word(record + 3), order);
  }
  return end;
}

// --- references ---------------------------------------------------------------------------------------------------

/** Writes the references of an atom of the section at `at`. Returns where the next relocation goes; 0 with a fault. */
function putReferences(atom: number, at: number, relocations: number, order: number): number {
  const first = word(word(ATOM.references) + atom);
  const end = first + word(word(ATOM.referenceCount) + atom);
  const kinds = word(REFERENCE.kind);
  let next = relocations;
  for (let reference = first; reference < end; reference = reference + 1) {
    if (isInside(atom, reference) === 0) {
      const unit = word(word(ATOM.unit) + atom);
      return fault(WRITE_FAULT.referencePlace, unit, atom, word(word(REFERENCE.place) + reference));
    }
    const kind = word(kinds + reference);
    if (kind === REFERENCE_KIND.call) next = putCall(atom, reference, at, next, order);
    else if (kind === REFERENCE_KIND.address) next = putAddress(atom, reference, at, next, order);
    else next = putData(atom, reference, at, next, order);
    if (next === 0) return 0;
  }
  return next;
}

/** 1: the atom has the bytes that a reference is written to. */
function isInside(atom: number, reference: number): number {
  const kind = word(word(REFERENCE.kind) + reference);
  const place = word(word(REFERENCE.place) + reference);
  const size = word(word(ATOM.size) + atom);
  if (kind === REFERENCE_KIND.call || kind === REFERENCE_KIND.address)
    return place >= 0 && place < size >> 3 ? 1 : 0;
  const width = kind === REFERENCE_KIND.dataWide || kind === REFERENCE_KIND.codeWide ? 8 : 4;
  return place >= 0 && place <= size - width ? 1 : 0;
}

/**
 * 1: a reference to the atom is through its section. Not to a local name of a global variable: what is read at that
 * place again would be the global one.
 */
function isThroughSection(atom: number): number {
  if (word(word(ATOM.binding) + atom) !== ATOM_BINDING.local) return 0;
  const kind = word(word(ATOM.kind) + atom);
  const owner = word(word(ATOM.owner) + atom);
  if (kind === ATOM_KIND.variable && owner !== 0 && word(word(ATOM.binding) + owner) !== ATOM_BINDING.local)
    return 0;
  return kind === ATOM_KIND.function || kind === ATOM_KIND.variable ? 1 : 0;
}

/** ELF symbol through which the atom is referred to; 0: none. */
function symbolFor(atom: number): number {
  if (isThroughSection(atom) === 0) return word(word(ATOM.number) + atom);
  return word(word(SHELL.position) + word(word(ATOM.shell) + atom));
}

/** What the addend grows by: the atom's place, where it is referred to through its section. */
function baseOf(atom: number): number {
  return isThroughSection(atom) === 0 ? 0 : word(word(ATOM.place) + atom);
}

function putCall(atom: number, reference: number, at: number, next: number, order: number): number {
  const target = word(word(REFERENCE.atom) + reference);
  const offset = word(word(ATOM.place) + atom) + (word(word(REFERENCE.place) + reference) << 3);
  const addend = word(word(REFERENCE.addend) + reference);
  if (isRelocated(reference, word(word(ATOM.shell) + atom)) === 0) {
    const distance = (word(word(ATOM.place) + target) + addend - offset) | 0;
    putWord(at + offset + 4, (distance >> 3) - 1, order);
    return next;
  }
  putWord(at + offset + 4, (((baseOf(target) + addend) | 0) >> 3) - 1, order);
  return putRelocation(atom, target, offset, R_BPF_64_32, next);
}

function putAddress(atom: number, reference: number, at: number, next: number, order: number): number {
  const target = word(word(REFERENCE.atom) + reference);
  const offset = word(word(ATOM.place) + atom) + (word(word(REFERENCE.place) + reference) << 3);
  putWord(at + offset + 4, (baseOf(target) + word(word(REFERENCE.addend) + reference)) | 0, order);
  return putRelocation(atom, target, offset, R_BPF_64_64, next);
}

function putData(atom: number, reference: number, at: number, next: number, order: number): number {
  const target = word(word(REFERENCE.atom) + reference);
  const offset = word(word(ATOM.place) + atom) + word(word(REFERENCE.place) + reference);
  const kind = word(word(REFERENCE.kind) + reference);
  const isCode = kind === REFERENCE_KIND.code || kind === REFERENCE_KIND.codeWide ? 1 : 0;
  const base = isCode === 1 ? word(word(ATOM.place) + target) : baseOf(target);
  const isWide = kind === REFERENCE_KIND.dataWide || kind === REFERENCE_KIND.codeWide ? 1 : 0;
  putValue(reference, at + offset, base, isWide, order);
  if (isCode === 1) return next;
  return putRelocation(atom, target, offset, isWide === 1 ? R_BPF_64_ABS64 : R_BPF_64_ABS32, next);
}

/** Writes the addend of a reference plus `base`, which is not negative. */
function putValue(reference: number, at: number, base: number, isWide: number, order: number): number {
  const addend = word(word(REFERENCE.addend) + reference);
  const low = (addend + base) | 0;
  if (isWide === 0) return putWord(at, low, order);
  const sign = addend < 0 && low < 0 ? 1 : 0;
  return putLong(at, low, word(word(REFERENCE.high) + reference) - sign, order);
}

/** Adds a relocation in host order. Returns where the next goes; 0 with a fault for a target without a symbol. */
function putRelocation(atom: number, target: number, offset: number, type: number, at: number): number {
  const symbol = symbolFor(target);
  if (symbol === 0) {
    fault(WRITE_FAULT.noSymbol, word(word(ATOM.unit) + atom), offset, target);
    return 0;
  }
  const record = at >> 2;
  setWord(record, offset);
  setWord(record + 1, 0);
  setWord(record + 2, type);
  setWord(record + 3, symbol);
  return at + 16;
}

// --- types --------------------------------------------------------------------------------------------------------

/**
 * BtfId that a type of a unit has in the file. `types`: row of UNIT whose types are written; where it is another one,
 * those of `unit` were merged into it.
 */
export function typeOf(unit: number, id: number, types: number): number {
  return types === unit ? id : word(word(TYPE.result) + word(word(UNIT.types) + unit) + id);
}

/** Instructions with a type's id get the id that it has now. `at`: address of the function. */
function putTypeIds(unit: number, atom: number, at: number, types: number, order: number): number {
  const first = word(word(ATOM.records) + atom);
  const end = first + word(word(ATOM.recordCount) + atom);
  const slots = word(word(ATOM.size) + atom) >> 3;
  for (let record = first; record < end; record = record + 1) {
    const kind = word(word(RECORD.kind) + record);
    if (kind !== BPF_CORE_TYPE_ID_LOCAL && kind !== BPF_CORE_TYPE_ID_TARGET) continue;
    const place = word(word(RECORD.place) + record);
    if (place < 0 || place >= slots) continue;
    const insn = at + (place << 3);
    if (byte(insn) !== OP_LD_IMM64) continue;
    putWord(insn + 4, typeOf(unit, word(word(RECORD.type) + record), types), order);
  }
  return end;
}
