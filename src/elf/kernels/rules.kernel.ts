/**
 * Rules for the sections that linking and loading will use.
 *
 * They are libbpf's sanity rules, and more: section types that could not be preserved are refused with the
 * reason, instead of being dropped. NAME.section finds duplicates.
 */

import { NAME, SECTION, UNIT } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { fault } from '../../image/tables.kernel.ts';
import {
  MAX_ALIGN,
  SHF_COMPRESSED,
  SHF_EXECINSTR,
  SHF_TLS,
  SHT_GROUP,
  SHT_NOBITS,
  SHT_NULL,
  SHT_PROGBITS,
  SHT_REL,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
} from '../constants.ts';
import { ELF_FAULT } from '../faults.ts';
import { SHDR } from '../fields.ts';
import { typeSection } from './names.kernel.ts';

/** Checks sections in file order, up to the first that breaks a rule. */
export function checkSections(unit: number): number {
  const first = word(word(UNIT.sections) + unit);
  const count = word(word(UNIT.sectionCount) + unit);
  for (let index = 0; index < count; index = index + 1) {
    const row = first + index;
    const type = word(word(SECTION.type) + row);
    if (type === SHT_NULL || word(word(SECTION.ignored) + row) === 1) continue;
    if (checkType(unit, index, row) === 0) return 0;
    if (type === SHT_STRTAB || type === SHT_GROUP) continue; // many have one name
    if (checkShape(unit, index, row) === 0) return 0;
    if (checkName(unit, index, row) === 0) return 0;
  }
  return 1;
}

function checkType(unit: number, index: number, row: number): number {
  const type = word(word(SECTION.type) + row);
  const name = word(word(SECTION.name) + row);
  if (name === 0 && type !== SHT_STRTAB) return fault(ELF_FAULT.sectionName, unit, index, 0);
  if (type !== SHT_PROGBITS && typeSection(name) !== 0) return fault(ELF_FAULT.typeSection, unit, index, 0);
  return isKept(type) === 1 ? 1 : fault(ELF_FAULT.sectionType, unit, index, 0);
}

function isKept(type: number): number {
  if (type === SHT_PROGBITS || type === SHT_NOBITS || type === SHT_REL || type === SHT_STRTAB) return 1;
  return type === SHT_SYMTAB || type === SHT_SYMTAB_SHNDX || type === SHT_GROUP ? 1 : 0;
}

function checkShape(unit: number, index: number, row: number): number {
  const header = (word(word(UNIT.headers) + unit) >> 2) + Math.imul(index, SHDR.words);
  const flags = word(header + SHDR.flags);
  if ((flags & SHF_COMPRESSED) !== 0) return fault(ELF_FAULT.compressed, unit, index, 0);
  if ((flags & SHF_TLS) !== 0) return fault(ELF_FAULT.threadLocal, unit, index, 0);
  if (word(header + SHDR.align + 1) !== 0 || isAlignment(word(header + SHDR.align)) === 0) {
    return fault(ELF_FAULT.sectionAlign, unit, index, 0);
  }
  if (word(header + SHDR.size + 1) !== 0) return fault(ELF_FAULT.sectionSize, unit, index, 0);
  return (flags & SHF_EXECINSTR) === 0 ? 1 : checkCode(unit, index, row);
}

function isAlignment(align: number): number {
  return align >= 0 && align <= MAX_ALIGN && (align & (align - 1)) === 0 ? 1 : 0;
}

function checkCode(unit: number, index: number, row: number): number {
  const type = word(word(SECTION.type) + row);
  const size = word(word(SECTION.size) + row);
  if (type !== SHT_PROGBITS) return fault(ELF_FAULT.codeContents, unit, index, 0);
  return (size & 7) === 0 ? 1 : fault(ELF_FAULT.codeSize, unit, index, 0);
}

function checkName(unit: number, index: number, row: number): number {
  const last = word(NAME.section) + word(word(SECTION.name) + row);
  const earlier = word(last);
  if (earlier !== 0 && word(word(SECTION.unit) + earlier) === unit) {
    return fault(ELF_FAULT.duplicateName, unit, index, earlier - word(word(UNIT.sections) + unit));
  }
  setWord(last, row);
  return 1;
}
