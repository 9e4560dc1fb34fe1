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
import { inputError, quote } from '../../diag/index.ts';
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
import type { Tolerance } from './attempt.ts';
import { cutCode } from './cut-code.ts';
import { cutData } from './cut-data.ts';
import { cutLegacyMaps, isLegacyMaps } from './cut-legacy-maps.ts';
import type { NamedSymbol } from './cutter.ts';
import type { IsDescribed } from './describe-aliases.ts';
import type { AtomDraft, AtomTable, SectionAtoms } from './draft.ts';
import { addUndefined } from './undefined.ts';

const KEPT_FLAGS = SHF_WRITE | SHF_ALLOC | SHF_EXECINSTR | SHF_MERGE | SHF_STRINGS;

/** Sections that are kept without `SHF_ALLOC`. */
const ALWAYS_KEPT = new Set(['.maps', JUMP_TABLES, 'license', 'version']);

export interface CutOptions {
  readonly keepDebug: boolean;
  readonly tolerance: Tolerance;
  readonly isDescribed: IsDescribed;
}

export function cutAtoms(elf: ElfFile, ext: BtfExt | null, options: CutOptions): AtomTable {
  const { keepDebug, tolerance, isDescribed } = options;
  const { attempt, attemptIn } = tolerance;
  const shells: SectionShell[] = [];
  const drafts: AtomDraft[] = [];
  const bySection = new Map<number, SectionAtoms>();
  const ofElfSymbol = new Int32Array(elf.symbols.length).fill(-1);
  const symbolsOf = groupSymbols(elf);
  const entries = functionEntries(ext);
  const addressed = addressedOffsets(elf);
  const comdats = comdatSections(elf);
  elf.sections.forEach((section, elfSection) => {
    if (!isKept(section, elfSection, keepDebug)) return;
    const role = roleOf(section);
    attempt(() => requireContents(section, role));
    const atoms: SectionAtoms = {
      elfSection,
      shell: shells.length,
      name: section.name,
      role,
      comdat: comdats.get(elfSection) ?? null,
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
      isDescribed,
    };
    attempt(() => {
      if (role === 'code') cutCode(cutter, entries.get(section.name) ?? []);
      else if (isLegacyMaps(section)) cutLegacyMaps(cutter);
      else cutData(cutter);
    });
  });
  attempt(() => addUndefined({ elf, shells, drafts, ofElfSymbol }));
  return { shells, drafts, bySection, ofElfSymbol, attempt, attemptIn };
}

/** ELF section index → signature of its COMDAT group. */
function comdatSections(elf: ElfFile): Map<number, string> {
  const signatures = new Map<number, string>();
  for (const { comdat, signature, sections } of elf.groups) {
    if (comdat) for (const section of sections) signatures.set(section, signature);
  }
  return signatures;
}

function isKept(section: ElfSection, elfSection: number, keepDebug: boolean): boolean {
  if (elfSection === 0) return false;
  if (section.type !== SHT_PROGBITS && section.type !== SHT_NOBITS) return false;
  if (section.name === '.text' && section.size === 0) return false;
  if (section.name === '.BTF' || section.name === '.BTF.ext') return false;
  if (isIgnoredSection(section)) return keepDebug && isDebugSection(section.name);
  return (section.flags & SHF_ALLOC) !== 0 || ALWAYS_KEPT.has(section.name) || isLegacyMaps(section);
}

function roleOf(section: ElfSection): SectionShell['role'] {
  if ((section.flags & SHF_EXECINSTR) !== 0) return 'code';
  return section.name === '.maps' || isLegacyMaps(section) ? 'maps' : 'data';
}

function requireContents({ name, type }: ElfSection, role: SectionShell['role']): void {
  if (role !== 'maps' || type !== SHT_NOBITS) return;
  throw inputError(
    'object-maps-nobits',
    [`section ${quote(name)}`],
    'has no contents, so it defines no maps',
  );
}

function shellOf(section: ElfSection, role: SectionShell['role']): SectionShell {
  const { name, type, align, entsize } = section;
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
