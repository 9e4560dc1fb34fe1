/** Which sections are kept, and as what. */

import {
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_MERGE,
  SHF_STRINGS,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_PROGBITS,
} from '../../../elf/constants.ts';
import { SHELL_ROLE } from '../../../image/codes.ts';
import { NAME, SECTION, SHELL, UNIT } from '../../../image/layout.ts';
import { byte, setWord, word } from '../../../image/memory.ts';
import { addRows } from '../../../image/tables.kernel.ts';
import { READER } from './reader.ts';
import { setState, state } from './state.kernel.ts';

const KEPT_FLAGS = SHF_WRITE | SHF_ALLOC | SHF_EXECINSTR | SHF_MERGE | SHF_STRINGS;

export function isCode(section: number): number {
  return (word(word(SECTION.flags) + section) & SHF_EXECINSTR) === 0 ? 0 : 1;
}

/** 1: the section has DWARF. */
export function isDebug(section: number): number {
  const at = textOf(section);
  // .debug_
  if (byte(at) !== 46 || byte(at + 1) !== 100 || byte(at + 2) !== 101 || byte(at + 3) !== 98) return 0;
  return byte(at + 4) === 117 && byte(at + 5) === 103 && byte(at + 6) === 95 ? 1 : 0;
}

/** 1: the section holds map definitions as they were before BTF: `maps`, `maps/NAME`. */
export function isLegacyMaps(section: number): number {
  if (word(word(SECTION.name) + section) === state(READER.legacyMaps)) return 1;
  const at = textOf(section);
  if (byte(at) !== 109 || byte(at + 1) !== 97 || byte(at + 2) !== 112) return 0;
  return byte(at + 3) === 115 && byte(at + 4) === 47 ? 1 : 0;
}

/** Byte address of the name, which a NUL ends. An empty name is a NUL of the header. */
function textOf(section: number): number {
  const name = word(word(SECTION.name) + section);
  return name === 0 ? 0 : word(word(NAME.at) + name);
}

/** 1: the section becomes one of the object. */
export function isKept(section: number): number {
  const type = word(word(SECTION.type) + section);
  if (type !== SHT_PROGBITS && type !== SHT_NOBITS) return 0;
  if (word(word(SECTION.ignored) + section) === 1) return 0;
  const name = word(word(SECTION.name) + section);
  if (name === state(READER.text) && word(word(SECTION.size) + section) === 0) return 0;
  if (name === state(READER.btf) || name === state(READER.ext)) return 0;
  // loaders take code without SHF_ALLOC as well
  if ((word(word(SECTION.flags) + section) & (SHF_ALLOC | SHF_EXECINSTR)) !== 0) return 1;
  if (name === state(READER.maps) || name === state(READER.jumpTables)) return 1;
  if (name === state(READER.license) || name === state(READER.version)) return 1;
  return isDebug(section) === 1 || isLegacyMaps(section) === 1 ? 1 : 0;
}

function roleOf(section: number): number {
  if (isCode(section) === 1) return SHELL_ROLE.code;
  if (word(word(SECTION.name) + section) === state(READER.maps)) return SHELL_ROLE.maps;
  return isLegacyMaps(section) === 1 ? SHELL_ROLE.maps : SHELL_ROLE.data;
}

/** Makes the row of SHELL of a section that is kept. */
export function newShell(unit: number, section: number): number {
  const shell = addRows(SHELL.count, SHELL.width, 1);
  const align = word(word(SECTION.align) + section);
  setWord(word(SHELL.unit) + shell, unit);
  setWord(word(SHELL.name) + shell, word(word(SECTION.name) + section));
  setWord(word(SHELL.type) + shell, word(word(SECTION.type) + section));
  setWord(word(SHELL.flags) + shell, word(word(SECTION.flags) + section) & KEPT_FLAGS);
  setWord(word(SHELL.align) + shell, align < 1 ? 1 : align);
  setWord(word(SHELL.entsize) + shell, word(word(SECTION.entsize) + section));
  setWord(word(SHELL.entsizeHigh) + shell, word(word(SECTION.entsizeHigh) + section));
  setWord(word(SHELL.role) + shell, roleOf(section));
  setWord(word(SHELL.section) + shell, section);
  setWord(word(SECTION.shell) + section, shell);
  if (word(word(SECTION.name) + section) === state(READER.jumpTables)) setState(READER.hasJumpTables, 1);
  return countShell(unit);
}

/** A `.bss` for tentative definitions, if the object has none; returns its row of SHELL. */
export function bssShell(unit: number): number {
  const first = word(word(UNIT.shells) + unit);
  const end = first + word(word(UNIT.shellCount) + unit);
  for (let row = first; row < end; row = row + 1)
    if (word(word(SHELL.name) + row) === state(READER.bss)) return row;
  const shell = addRows(SHELL.count, SHELL.width, 1);
  setWord(word(SHELL.unit) + shell, unit);
  setWord(word(SHELL.name) + shell, state(READER.bss));
  setWord(word(SHELL.type) + shell, SHT_NOBITS);
  setWord(word(SHELL.flags) + shell, SHF_WRITE | SHF_ALLOC);
  setWord(word(SHELL.align) + shell, 1);
  setWord(word(SHELL.role) + shell, SHELL_ROLE.data);
  countShell(unit);
  return shell;
}

function countShell(unit: number): number {
  const count = word(word(UNIT.shellCount) + unit) + 1;
  setWord(word(UNIT.shellCount) + unit, count);
  return count;
}
