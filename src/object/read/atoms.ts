/**
 * Cutting ELF sections into atoms along their symbols.
 *
 * Every byte of a data section belongs to an atom or is padding that the next atom's alignment explains: data
 * without a symbol (string literals, constant tables, private constants) becomes anonymous variables. Code
 * without a symbol is a hole left by another linker (an overridden weak function); it becomes a function if
 * one starts there according to `.BTF.ext`, else it is discarded.
 *
 * The alignment of an atom is the one its offset had, at most the section's: laying out the atoms in order
 * then yields the old offsets.
 */

import type { BtfExt } from '../../btf/index.ts';
import { inputError } from '../../diag/index.ts';
import {
  type ElfFile,
  type ElfSection,
  isIgnoredSection,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_MERGE,
  SHF_STRINGS,
  SHF_WRITE,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_PROGBITS,
} from '../../elf/index.ts';
import { isDebugSection, JUMP_TABLES, type SectionShell } from '../model/index.ts';
import { addressedOffsets } from './addresses.ts';
import { cutCode } from './cut-code.ts';
import { cutData } from './cut-data.ts';
import type { NamedSymbol } from './cutter.ts';
import type { AtomDraft, AtomTable, SectionAtoms } from './draft.ts';
import { addUndefined } from './undefined.ts';

const KEPT_FLAGS = SHF_WRITE | SHF_ALLOC | SHF_EXECINSTR | SHF_MERGE | SHF_STRINGS;

/** Sections that are kept without `SHF_ALLOC`. */
const ALWAYS_KEPT = new Set(['.maps', JUMP_TABLES, 'license', 'version']);

export function cutAtoms(elf: ElfFile, ext: BtfExt | null, keepDebug = false): AtomTable {
  const shells: SectionShell[] = [];
  const drafts: AtomDraft[] = [];
  const bySection = new Map<number, SectionAtoms>();
  const ofElfSymbol = new Int32Array(elf.symbols.length).fill(-1);
  const symbolsOf = groupSymbols(elf);
  const entries = functionEntries(ext);
  const addressed = addressedOffsets(elf);
  elf.sections.forEach((section, elfSection) => {
    if (!isKept(section, elfSection, keepDebug)) return;
    const role = roleOf(section);
    const atoms: SectionAtoms = {
      elfSection,
      shell: shells.length,
      name: section.name,
      role,
      members: [],
      offsets: [],
    };
    shells.push(shellOf(section, role));
    bySection.set(elfSection, atoms);
    const cutter = {
      elf,
      section,
      atoms,
      drafts,
      ofElfSymbol,
      symbols: symbolsOf.get(elfSection) ?? [],
      addressed: addressed.get(elfSection) ?? [],
    };
    if (role === 'code') cutCode(cutter, entries.get(section.name) ?? []);
    else cutData(cutter);
  });
  addUndefined({ elf, shells, drafts, ofElfSymbol });
  return { shells, drafts, bySection, ofElfSymbol };
}

function isKept(section: ElfSection, elfSection: number, keepDebug: boolean): boolean {
  if (elfSection === 0) return false;
  if (section.type !== SHT_PROGBITS && section.type !== SHT_NOBITS) return false;
  if (section.name === '.text' && section.size === 0) return false;
  if (section.name === '.BTF' || section.name === '.BTF.ext') return false;
  if (isIgnoredSection(section)) return keepDebug && isDebugSection(section.name);
  return (section.flags & SHF_ALLOC) !== 0 || ALWAYS_KEPT.has(section.name);
}

function roleOf(section: ElfSection): SectionShell['role'] {
  if ((section.flags & SHF_EXECINSTR) !== 0) return 'code';
  return section.name === '.maps' ? 'maps' : 'data';
}

function shellOf(section: ElfSection, role: SectionShell['role']): SectionShell {
  if (section.name === 'maps') {
    throw inputError('object-legacy-maps', ['section "maps"'], 'holds legacy map definitions', {
      hint: 'define maps in SEC(".maps") with __uint() and __type()',
    });
  }
  const { name, type, align, entsize } = section;
  if (role === 'maps' && type === SHT_NOBITS) {
    throw inputError('object-maps-nobits', ['section ".maps"'], 'has no contents, so it defines no maps');
  }
  return { name, type, flags: section.flags & KEPT_FLAGS, align: Math.max(align, 1), entsize, role };
}

function groupSymbols(elf: ElfFile): Map<number, NamedSymbol[]> {
  const groups = new Map<number, NamedSymbol[]>();
  elf.symbols.forEach((symbol, index) => {
    if (index === 0 || symbol.section === SHN_UNDEF || symbol.section >= SHN_LORESERVE) return;
    const group = groups.get(symbol.section);
    if (group === undefined) groups.set(symbol.section, [{ index, symbol }]);
    else group.push({ index, symbol });
  });
  for (const group of groups.values()) group.sort(byPlace);
  return groups;
}

/** What has no size is before what is at the same place. */
function byPlace(a: NamedSymbol, b: NamedSymbol): number {
  const place = a.symbol.value - b.symbol.value;
  return place || Math.sign(a.symbol.size) - Math.sign(b.symbol.size) || a.index - b.index;
}

/** Section name → sorted byte offsets at which a function starts according to `.BTF.ext`. */
function functionEntries(ext: BtfExt | null): Map<string, number[]> {
  const entries = new Map<string, number[]>();
  for (const info of ext?.funcs ?? []) {
    const list = entries.get(info.section);
    if (list === undefined) entries.set(info.section, [info.byteOffset]);
    else list.push(info.byteOffset);
  }
  for (const list of entries.values()) list.sort((a, b) => a - b);
  return entries;
}
