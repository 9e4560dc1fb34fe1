/**
 * Section groups: what C++ and Rust compilers make of templates and inline functions, one copy in each file.
 *
 * The section holds a word of flags and the indexes of its members; its symbol is the signature, by which a
 * link recognizes copies. Fills SECTION.group and SECTION.comdat of members.
 */

import { SECTION, SYMBOL, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { fault } from '../../image/tables.kernel.ts';
import { GRP_COMDAT, SHT_GROUP } from '../constants.ts';
import { ELF_FAULT } from '../faults.ts';

/** All groups in file order. */
export function readGroups(unit: number): number {
  const first = word(word(UNIT.sections) + unit);
  const end = first + word(word(UNIT.sectionCount) + unit);
  for (let row = first; row < end; row = row + 1) {
    if (word(word(SECTION.type) + row) === SHT_GROUP && readGroup(unit, row) === 0) return 0;
  }
  return 1;
}

function readGroup(unit: number, row: number): number {
  const index = row - word(word(UNIT.sections) + unit);
  const size = word(word(SECTION.size) + row);
  const symbol = word(word(SECTION.info) + row);
  if (size === 0 || (size & 3) !== 0) return fault(ELF_FAULT.groupSize, unit, index, 0);
  if (symbol <= 0 || symbol >= word(word(UNIT.symbolCount) + unit)) {
    return fault(ELF_FAULT.groupSignature, unit, index, 0);
  }
  const group = word(word(SECTION.at) + row) >> 2;
  const name = signatureOf(unit, word(word(UNIT.symbols) + unit) + symbol);
  if (name === 0) return fault(ELF_FAULT.groupName, unit, index, 0);
  const comdat = (word(group) & GRP_COMDAT) === 0 ? 0 : name;
  for (let at = group + 1; at < group + (size >> 2); at = at + 1) {
    if (addMember(unit, row, word(at), comdat) === 0) return 0;
  }
  return 1;
}

/** The name of a symbol, or of its section if it has none; 0: neither has. */
export function signatureOf(unit: number, symbol: number): number {
  const name = word(word(SYMBOL.name) + symbol);
  if (name !== 0) return name;
  const section = word(word(SYMBOL.section) + symbol);
  if (section >= word(word(UNIT.sectionCount) + unit)) return 0;
  return word(word(SECTION.name) + word(word(UNIT.sections) + unit) + section);
}

function addMember(unit: number, group: number, index: number, comdat: number): number {
  const first = word(word(UNIT.sections) + unit);
  const row = first + index;
  if (index <= 0 || index >= word(word(UNIT.sectionCount) + unit)) {
    return fault(ELF_FAULT.groupMember, unit, group - first, index);
  }
  if (word(word(SECTION.group) + row) !== 0) return fault(ELF_FAULT.groupTaken, unit, group - first, index);
  setWord(word(SECTION.group) + row, group);
  setWord(word(SECTION.comdat) + row, comdat);
  return 1;
}
