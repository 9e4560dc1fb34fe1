/**
 * Cutting ELF sections into atoms along their symbols.
 *
 * Every byte of a data section belongs to an atom or is padding that the next atom's alignment explains: data without
 * a symbol (string literals, constant tables, private constants) becomes anonymous variables. Code without a symbol is
 * a hole left by another linker (an overridden weak function); it becomes a function where `.BTF.ext` says that one
 * starts there, else it is left out.
 *
 * The alignment of an atom is the one its offset had, at most the section's: laying atoms out one after the other then
 * gives back the old offsets.
 */

import type { BtfExt } from '../../btf/index.ts';
import { alignUp } from '../../bytes/index.ts';
import { inputError, quote } from '../../diag/index.ts';
import {
  type ElfFile,
  type ElfSection,
  type ElfSymbol,
  isIgnoredSection,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_MERGE,
  SHF_STRINGS,
  SHF_WRITE,
  SHN_ABS,
  SHN_COMMON,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_PROGBITS,
  STB_LOCAL,
  STB_WEAK,
  STT_FUNC,
  STT_NOTYPE,
  STT_OBJECT,
} from '../../elf/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import { type Binding, isDebugSection, type SectionShell, type Visibility } from '../model/index.ts';
import { addressedOffsets } from './addresses.ts';
import { type AtomDraft, type AtomTable, newDraft, type SectionAtoms } from './draft.ts';

const KEPT_FLAGS = SHF_WRITE | SHF_ALLOC | SHF_EXECINSTR | SHF_MERGE | SHF_STRINGS;

/** Sections that are kept although nothing says `SHF_ALLOC`. */
const ALWAYS_KEPT = new Set(['.maps', '.jumptables', 'license', 'version']);

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

interface NamedSymbol {
  readonly index: number;
  readonly symbol: ElfSymbol;
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

/** What has no size stands before what lies at the same place. */
function byPlace(a: NamedSymbol, b: NamedSymbol): number {
  const place = a.symbol.value - b.symbol.value;
  return place || Math.sign(a.symbol.size) - Math.sign(b.symbol.size) || a.index - b.index;
}

/** Section name → sorted byte offsets at which `.BTF.ext` says that a function starts. */
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

interface Cutter {
  readonly elf: ElfFile;
  readonly section: ElfSection;
  readonly atoms: SectionAtoms;
  readonly drafts: AtomDraft[];
  readonly ofElfSymbol: Int32Array;
  readonly symbols: readonly NamedSymbol[];
  /** Offsets that something refers to without a symbol, sorted. */
  readonly addressed: readonly number[];
}

function bindingOf(symbol: ElfSymbol): Binding {
  if (symbol.binding === STB_LOCAL) return 'local';
  return symbol.binding === STB_WEAK ? 'weak' : 'global';
}

/** STV_INTERNAL (1) is as good as hidden. */
function visibilityOf(symbol: ElfSymbol): Visibility {
  return symbol.visibility === 1 || symbol.visibility === 2 ? 'hidden' : 'default';
}

function push(cutter: Cutter, draft: AtomDraft): number {
  const index = cutter.drafts.length;
  draft.elfSection = cutter.atoms.elfSection;
  draft.shell = cutter.atoms.shell;
  cutter.drafts.push(draft);
  cutter.atoms.members.push(index);
  cutter.atoms.offsets.push(draft.offset);
  return index;
}

function place(cutter: Cutter): readonly string[] {
  return [`section ${quote(cutter.section.name)}`];
}

// --- code ---------------------------------------------------------------------------------------------------------

function cutCode(cutter: Cutter, entries: readonly number[]): void {
  const code = cutter.section.bytes.slice();
  const named = cutter.symbols.filter(({ symbol }) => isFunctionSymbol(symbol));
  let end = 0;
  named.forEach(({ index, symbol }, position) => {
    const start = symbol.value;
    const next = named[position + 1]?.symbol;
    if (next?.value === start) throw overlapError(cutter, symbol, next);
    const size = symbol.size > 0 ? symbol.size : (next?.value ?? code.length) - start;
    if (start < end) throw overlapError(cutter, named[position - 1]?.symbol, symbol);
    if (start % INSN_SIZE !== 0 || size % INSN_SIZE !== 0 || size === 0) {
      throw inputError(
        'object-function-extent',
        [...place(cutter), `function ${quote(symbol.name)}`],
        `starts at ${start} and has ${size} bytes; both must be multiples of 8`,
        { offset: start },
      );
    }
    cutHole(cutter, code, end, start, entries);
    cutter.ofElfSymbol[index] = push(cutter, functionDraft(code, start, size, symbol));
    end = start + size;
  });
  cutHole(cutter, code, end, code.length, entries);
}

/** A global without a type comes from assembly that left out `.type`; local ones are labels. */
function isFunctionSymbol(symbol: ElfSymbol): boolean {
  return symbol.type === STT_FUNC || (symbol.type === STT_NOTYPE && symbol.binding !== STB_LOCAL);
}

function functionDraft(code: Uint8Array, start: number, size: number, symbol: ElfSymbol | null): AtomDraft {
  return newDraft({
    kind: 'function',
    name: symbol?.name ?? '',
    binding: symbol === null ? 'local' : bindingOf(symbol),
    visibility: symbol === null ? 'default' : visibilityOf(symbol),
    offset: start,
    size,
    align: INSN_SIZE,
    bytes: code.subarray(start, start + size),
  });
}

function cutHole(
  cutter: Cutter,
  code: Uint8Array,
  start: number,
  end: number,
  entries: readonly number[],
): void {
  let position = firstAtLeast(entries, start);
  for (let entry = entries[position]; entry !== undefined && entry < end; entry = entries[position]) {
    position++;
    const next = Math.min(entries[position] ?? end, end);
    if (next > entry && entry % INSN_SIZE === 0) push(cutter, functionDraft(code, entry, next - entry, null));
  }
}

/** First position in a sorted list whose value is at least `wanted`. */
function firstAtLeast(sorted: readonly number[], wanted: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function overlapError(cutter: Cutter, before: ElfSymbol | undefined, symbol: ElfSymbol): Error {
  const other = quote(before?.name ?? '');
  if (before?.value === symbol.value) {
    return inputError(
      'object-alias',
      [...place(cutter), quote(symbol.name)],
      `is a second name of ${other}`,
      {
        offset: symbol.value,
        hint: 'clang describes only one of two aliases in BTF: drop __attribute__((alias)) and give the second name when linking (--defsym)',
      },
    );
  }
  return inputError('object-overlap', [...place(cutter), quote(symbol.name)], `overlaps ${other}`, {
    offset: symbol.value,
  });
}

// --- data ---------------------------------------------------------------------------------------------------------

function cutData(cutter: Cutter): void {
  const { section } = cutter;
  const named = cutter.symbols.filter(({ symbol }) => isDataSymbol(symbol));
  if (
    named.length === 0 &&
    (section.flags & (SHF_MERGE | SHF_STRINGS)) === (SHF_MERGE | SHF_STRINGS) &&
    section.entsize === 1
  ) {
    cutStrings(cutter);
    return;
  }
  const bytes = section.type === SHT_NOBITS ? null : section.bytes.slice();
  let end = 0;
  named.forEach(({ index, symbol }, position) => {
    const start = symbol.value;
    if (start < end) throw overlapError(cutter, named[position - 1]?.symbol, symbol);
    cutAnonymous(cutter, bytes, end, start);
    const size = symbol.size;
    const kind = cutter.atoms.role === 'maps' ? 'map' : 'variable';
    cutter.ofElfSymbol[index] = push(cutter, dataDraft(cutter, bytes, start, size, { kind, symbol }));
    end = start + size;
  });
  cutAnonymous(cutter, bytes, end, section.size, true);
}

function isDataSymbol(symbol: ElfSymbol): boolean {
  return symbol.type === STT_OBJECT || (symbol.type === STT_NOTYPE && symbol.binding !== STB_LOCAL);
}

function dataDraft(
  cutter: Cutter,
  bytes: Uint8Array | null,
  start: number,
  size: number,
  what: { readonly kind: 'variable' | 'map'; readonly symbol: ElfSymbol | null },
): AtomDraft {
  return newDraft({
    kind: what.kind,
    name: what.symbol?.name ?? '',
    binding: what.symbol === null ? 'local' : bindingOf(what.symbol),
    visibility: what.symbol === null ? 'default' : visibilityOf(what.symbol),
    offset: start,
    size,
    align: alignmentAt(start, cutter.section.align),
    bytes: bytes === null ? null : bytes.subarray(start, start + size),
  });
}

/** Largest power of two that divides the offset, at most the section's alignment. */
function alignmentAt(offset: number, sectionAlign: number): number {
  let align = Math.max(sectionAlign, 1);
  while (offset % align !== 0) align /= 2;
  return align;
}

/**
 * Bytes between two named atoms: padding when they are zero, alignment explains them and nothing refers to them, else an
 * anonymous variable. Padding in front of the first byte that something refers to does not belong to it: the variable has
 * the alignment of that byte.
 */
function cutAnonymous(
  cutter: Cutter,
  bytes: Uint8Array | null,
  start: number,
  end: number,
  atEnd = false,
): void {
  if (end <= start) return;
  const { addressed } = cutter;
  const first = addressed[firstAtLeast(addressed, start)] ?? end;
  const from = first < end && isPadding(cutter, bytes, start, first) ? first : start;
  if (first >= end && !atEnd && isPadding(cutter, bytes, start, end)) return;
  push(cutter, dataDraft(cutter, bytes, from, end - from, { kind: 'variable', symbol: null }));
}

/** Zeros that the alignment at `end` asks for. */
function isPadding(cutter: Cutter, bytes: Uint8Array | null, start: number, end: number): boolean {
  if (alignUp(start, alignmentAt(end, cutter.section.align)) !== end) return false;
  return bytes === null || bytes.subarray(start, end).every(byte => byte === 0);
}

/** Strings that nothing refers to are left out: they could not be told apart from millions of empty ones. */
function cutStrings(cutter: Cutter): void {
  const bytes = cutter.section.bytes.slice();
  requireTerminated(cutter, bytes);
  let end = 0;
  for (const offset of isDebugSection(cutter.section.name) ? everyString(bytes) : cutter.addressed) {
    if (offset < end || offset >= bytes.length) continue;
    const start = offset === 0 ? 0 : bytes.lastIndexOf(0, offset - 1) + 1;
    end = bytes.indexOf(0, offset) + 1;
    push(cutter, dataDraft(cutter, bytes, start, end - start, { kind: 'variable', symbol: null }));
  }
}

function requireTerminated(cutter: Cutter, bytes: Uint8Array): void {
  if (bytes.length === 0 || bytes[bytes.length - 1] === 0) return;
  throw inputError('object-string-section', place(cutter), 'does not end with a NUL byte', {
    offset: bytes.lastIndexOf(0) + 1,
  });
}

/** Offsets of all strings. DWARF also refers to strings without relocations. */
function* everyString(bytes: Uint8Array): Iterable<number> {
  for (let start = 0; start < bytes.length; start = bytes.indexOf(0, start) + 1) yield start;
}

// --- externs and tentative definitions ----------------------------------------------------------------------------

interface UndefinedSink {
  readonly elf: ElfFile;
  readonly shells: SectionShell[];
  readonly drafts: AtomDraft[];
  readonly ofElfSymbol: Int32Array;
}

function addUndefined(sink: UndefinedSink): void {
  sink.elf.symbols.forEach((symbol, index) => {
    if (index === 0 || symbol.name === '') return;
    if (symbol.section === SHN_UNDEF) addExtern(sink, symbol, index);
    else if (symbol.section === SHN_COMMON) addCommon(sink, symbol, index);
    else if (symbol.section === SHN_ABS && symbol.binding !== STB_LOCAL) {
      throw inputError(
        'object-absolute-symbol',
        [`symbol ${quote(symbol.name)}`],
        'is absolute; BPF code has no absolute addresses',
      );
    }
  });
}

function addExtern(sink: UndefinedSink, symbol: ElfSymbol, index: number): void {
  sink.ofElfSymbol[index] = sink.drafts.length;
  sink.drafts.push(
    newDraft({
      kind: 'extern',
      name: symbol.name,
      binding: bindingOf(symbol),
      visibility: visibilityOf(symbol),
    }),
  );
}

/** `st_value` of a common symbol is its alignment; it is allocated in `.bss`. */
function addCommon(sink: UndefinedSink, symbol: ElfSymbol, index: number): void {
  let shell = sink.shells.findIndex(candidate => candidate.name === '.bss');
  if (shell < 0) {
    shell = sink.shells.length;
    sink.shells.push({
      name: '.bss',
      type: SHT_NOBITS,
      flags: SHF_WRITE | SHF_ALLOC,
      align: 1,
      entsize: 0,
      role: 'data',
    });
  }
  sink.ofElfSymbol[index] = sink.drafts.length;
  sink.drafts.push(
    newDraft({
      kind: 'variable',
      name: symbol.name,
      binding: 'global',
      visibility: visibilityOf(symbol),
      shell,
      size: symbol.size,
      align: Math.max(symbol.value, 1),
      common: true,
    }),
  );
}
