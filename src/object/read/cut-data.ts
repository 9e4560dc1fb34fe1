/**
 * Data sections into variables and maps; bytes without a symbol into anonymous variables, strings one by one.
 */

import { alignUp, elementAt } from '../../bytes/index.ts';
import { inputError, quote } from '../../diag/index.ts';
import {
  type ElfFile,
  type ElfSymbol,
  SHF_MERGE,
  SHF_STRINGS,
  SHT_NOBITS,
  STB_LOCAL,
  STT_NOTYPE,
  STT_OBJECT,
} from '../../elf/index.ts';
import { isDebugSection } from '../model/index.ts';
import {
  bindingOf,
  type Cutter,
  firstAtLeast,
  type NamedSymbol,
  overlapError,
  type Place,
  placeOf,
  placesOf,
  pushAlias,
  pushAtom,
  visibilityOf,
} from './cutter.ts';
import { type AtomDraft, type AtomTable, newDraft } from './draft.ts';

export function cutData(cutter: Cutter): void {
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
  const isMaps = cutter.atoms.role === 'maps';
  const places = isMaps ? mapPlaces(cutter, named) : placesOf(cutter, named);
  places.forEach(({ first: { index, symbol }, aliases }, position) => {
    const start = symbol.value;
    if (start < end) throw overlapError(cutter, places[position - 1]?.first.symbol, symbol);
    cutAnonymous(cutter, bytes, end, start);
    const size = symbol.size;
    const kind = isMaps ? 'map' : 'variable';
    const atom = pushAtom(cutter, dataDraft(cutter, bytes, start, size, { kind, symbol }));
    cutter.ofElfSymbol[index] = atom;
    for (const alias of aliases)
      if (isMaps) cutter.ofElfSymbol[alias.index] = atom;
      else pushAlias(cutter, alias, atom);
    end = start + size;
  });
  cutAnonymous(cutter, bytes, end, section.size, true);
}

/**
 * Loaders find maps by the names that BTF has: another name of a map is that map. Two at one place that BTF
 * describes would be two maps.
 */
function mapPlaces(cutter: Cutter, named: readonly NamedSymbol[]): Place[] {
  const { section, isDescribed } = cutter;
  return placesOf(cutter, named).flatMap(place => {
    const isTwo = place.aliases.some(({ symbol }) => isDescribed(section.name, symbol.value, symbol.name));
    return isTwo ? [place.first, ...place.aliases].map(first => ({ first, aliases: [] })) : [place];
  });
}

/** Sentences on names of maps that are left out. */
export function mapNamesLeftOut(elf: ElfFile, { drafts, ofElfSymbol }: AtomTable): string[] {
  return elf.symbols.flatMap((symbol, index) => {
    const owner = drafts[elementAt(ofElfSymbol, index)];
    if (owner?.kind !== 'map' || symbol.name === '' || symbol.name === owner.name) return [];
    return [
      `${quote(symbol.name)} is another name of map ${quote(owner.name)}, which has one name: it is left out`,
    ];
  });
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
 * Bytes between two named atoms: padding when they are zero, alignment explains them and nothing refers to
 * them, else an anonymous variable. Padding before the first byte that something refers to does not belong to
 * it: the variable has the alignment of that byte.
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
  pushAtom(cutter, dataDraft(cutter, bytes, from, end - from, { kind: 'variable', symbol: null }));
}

/** Zeros that the alignment at `end` asks for. */
function isPadding(cutter: Cutter, bytes: Uint8Array | null, start: number, end: number): boolean {
  if (alignUp(start, alignmentAt(end, cutter.section.align)) !== end) return false;
  return bytes === null || bytes.subarray(start, end).every(byte => byte === 0);
}

/**
 * Strings that nothing refers to are left out: they could not be distinguished from millions of empty ones.
 */
function cutStrings(cutter: Cutter): void {
  const bytes = cutter.section.bytes.slice();
  requireTerminated(cutter, bytes);
  let end = 0;
  for (const offset of isDebugSection(cutter.section.name) ? everyString(bytes) : cutter.addressed) {
    if (offset < end || offset >= bytes.length) continue;
    const start = offset === 0 ? 0 : bytes.lastIndexOf(0, offset - 1) + 1;
    end = bytes.indexOf(0, offset) + 1;
    pushAtom(cutter, dataDraft(cutter, bytes, start, end - start, { kind: 'variable', symbol: null }));
  }
}

function requireTerminated(cutter: Cutter, bytes: Uint8Array): void {
  if (bytes.length === 0 || bytes[bytes.length - 1] === 0) return;
  throw inputError('object-string-section', placeOf(cutter), 'does not end with a NUL byte', {
    offset: bytes.lastIndexOf(0) + 1,
  });
}

/** Offsets of all strings. DWARF also refers to strings without relocations. */
function* everyString(bytes: Uint8Array): Iterable<number> {
  for (let start = 0; start < bytes.length; start = bytes.indexOf(0, start) + 1) yield start;
}
