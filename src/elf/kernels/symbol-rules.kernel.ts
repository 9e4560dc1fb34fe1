/**
 * Rules for symbols. `entry` is the word index of the symbol in its table, in host order; `section` its section
 * index with extended ones resolved.
 */

import { SECTION, UNIT } from '../../image/layout.ts';
import { word } from '../../image/memory.ts';
import { fault } from '../../image/tables.kernel.ts';
import {
  MAX_ALIGN,
  SHF_EXECINSTR,
  SHN_ABS,
  SHN_COMMON,
  SHN_UNDEF,
  SHT_NULL,
  STB_LOCAL,
  STB_WEAK,
  STT_FILE,
  STT_FUNC,
  STT_NOTYPE,
  STT_SECTION,
  STV_DEFAULT,
  STV_HIDDEN,
} from '../constants.ts';
import { ELF_FAULT } from '../faults.ts';
import { SYM } from '../fields.ts';

/** High words of numbers up to 2^53. */
const HIGH_LIMIT = 0x1fffff;

/** 0, with a fault, for a symbol that breaks a rule. */
export function checkSymbol(
  unit: number,
  index: number,
  entry: number,
  name: number,
  section: number,
): number {
  const info = word(entry + SYM.info);
  if (index === 0) return checkNull(unit, entry, name, section);
  if (checkKind(unit, index, info, name) === 0) return 0;
  if (section === SHN_UNDEF) return checkUndefined(unit, index, entry);
  if (section === SHN_ABS || section === SHN_COMMON) return checkReserved(unit, index, entry, section);
  return checkDefined(unit, index, entry, section);
}

/** 1: the value and the size are zero. */
function isZero(entry: number): number {
  const value = word(entry + SYM.value) | word(entry + SYM.value + 1);
  return (value | word(entry + SYM.size) | word(entry + SYM.size + 1)) === 0 ? 1 : 0;
}

function checkNull(unit: number, entry: number, name: number, section: number): number {
  const kind = word(entry + SYM.info) & 0x3ff; // type, binding, visibility
  if ((kind | name | section) === 0 && isZero(entry) === 1) return 1;
  return fault(ELF_FAULT.nullSymbol, unit, 0, 0);
}

function checkKind(unit: number, index: number, info: number, name: number): number {
  const binding = (info >>> 4) & 15;
  const visibility = (info >>> 8) & 3;
  if ((info & 15) > STT_FILE) return fault(ELF_FAULT.symbolType, unit, index, 0);
  if (binding > STB_WEAK) return fault(ELF_FAULT.symbolBinding, unit, index, 0);
  if (visibility !== STV_DEFAULT && visibility !== STV_HIDDEN) {
    return fault(ELF_FAULT.symbolVisibility, unit, index, 0);
  }
  return name === 0 && binding !== STB_LOCAL ? fault(ELF_FAULT.symbolName, unit, index, 0) : 1;
}

function checkUndefined(unit: number, index: number, entry: number): number {
  const info = word(entry + SYM.info);
  if (((info >>> 4) & 15) === STB_LOCAL) return fault(ELF_FAULT.undefinedLocal, unit, index, 0);
  if ((info & 15) === STT_NOTYPE && isZero(entry) === 1) return 1;
  return fault(ELF_FAULT.undefinedTyped, unit, index, 0);
}

/** ABS values represent themselves; a COMMON symbol's value is its alignment. */
function checkReserved(unit: number, index: number, entry: number, section: number): number {
  const value = word(entry + SYM.value);
  const valueHigh = word(entry + SYM.value + 1);
  const sizeHigh = word(entry + SYM.size + 1);
  if (valueHigh < 0 || valueHigh > HIGH_LIMIT || sizeHigh < 0 || sizeHigh > HIGH_LIMIT) {
    return fault(ELF_FAULT.reservedRange, unit, index, 0);
  }
  if (section === SHN_ABS) return 1;
  const isLocal = ((word(entry + SYM.info) >>> 4) & 15) === STB_LOCAL;
  const isAlignment = valueHigh === 0 && value > 0 && value <= MAX_ALIGN && (value & (value - 1)) === 0;
  return !isLocal && sizeHigh === 0 && isAlignment ? 1 : fault(ELF_FAULT.commonSymbol, unit, index, 0);
}

function checkDefined(unit: number, index: number, entry: number, section: number): number {
  const row = word(word(UNIT.sections) + unit) + section;
  const info = word(entry + SYM.info);
  const value = word(entry + SYM.value) | word(entry + SYM.value + 1);
  if (section >= word(word(UNIT.sectionCount) + unit) || word(word(SECTION.type) + row) === SHT_NULL) {
    return fault(ELF_FAULT.symbolSection, unit, index, section);
  }
  if ((info & 15) === STT_SECTION && (value !== 0 || ((info >>> 4) & 15) !== STB_LOCAL)) {
    return fault(ELF_FAULT.sectionSymbol, unit, index, section);
  }
  if (word(word(SECTION.ignored) + row) === 1) return 1;
  if (isInside(entry, word(word(SECTION.size) + row)) === 0) {
    return fault(ELF_FAULT.symbolRange, unit, index, section);
  }
  return (info & 15) === STT_FUNC ? checkFunction(unit, index, entry, row) : 1;
}

/** Whether the value and the size of a symbol are inside `limit` bytes. All are unsigned. */
function isInside(entry: number, limit: number): number {
  const value = word(entry + SYM.value);
  const size = word(entry + SYM.size);
  if ((word(entry + SYM.value + 1) | word(entry + SYM.size + 1)) !== 0) return 0;
  if (limit >>> 0 < value >>> 0) return 0;
  const room = (limit - value) | 0;
  return room >>> 0 < size >>> 0 ? 0 : 1;
}

function checkFunction(unit: number, index: number, entry: number, row: number): number {
  const value = word(entry + SYM.value);
  const size = word(entry + SYM.size);
  if ((word(word(SECTION.flags) + row) & SHF_EXECINSTR) === 0) {
    return fault(ELF_FAULT.functionSection, unit, index, 0);
  }
  if (size === 0) return fault(ELF_FAULT.functionEmpty, unit, index, 0);
  return ((value | size) & 7) === 0 ? 1 : fault(ELF_FAULT.functionPlace, unit, index, 0);
}
