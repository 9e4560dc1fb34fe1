/**
 * Data into variables and maps. Bytes without a symbol are padding, if alignment explains them, or an anonymous
 * variable; strings become one each. Offsets are compared unsigned: a section without contents may have 4 GiB.
 */

import { SHF_MERGE, SHF_STRINGS, SHT_NOBITS } from '../../../elf/constants.ts';
import { ATOM_KIND } from '../../../image/codes.ts';
import { ATOM, SECTION, SYMBOL } from '../../../image/layout.ts';
import { byte, setWord, word } from '../../../image/memory.ts';
import { OBJECT_FAULT } from '../faults.ts';
import { addressAt, addressFrom, endOfAddresses, findAddresses } from './addresses.kernel.ts';
import { newAlias, placedAtom } from './atoms.kernel.ts';
import { afterPlace, describedAt, nextSymbol, ownerOf } from './places.kernel.ts';
import { READER } from './reader.ts';
import { isDebug } from './sections.kernel.ts';
import { indexOf, refuse, setState, state } from './state.kernel.ts';

const MERGED_STRINGS = SHF_MERGE | SHF_STRINGS;

/** `kind`: what its symbols are. Returns 0, with a fault, where symbols do not cut the section. */
export function cutData(unit: number, section: number, kind: number): number {
  const to = word(state(READER.orderFirst) + indexOf(section) + 1);
  let place = nextSymbol(section, word(state(READER.orderFirst) + indexOf(section)), kind);
  if (place >= to && (word(word(SECTION.flags) + section) & MERGED_STRINGS) === MERGED_STRINGS)
    if (word(word(SECTION.entsize) + section) === 1 && word(word(SECTION.entsizeHigh) + section) === 0)
      return cutStrings(unit, section);
  let end = 0;
  let before = 0;
  while (place < to) {
    const next = afterPlace(section, place, kind);
    const symbol = ownerOf(place, next, kind, section);
    const start = word(word(SYMBOL.value) + symbol);
    if (start >>> 0 < end >>> 0) return refuse(OBJECT_FAULT.overlap, unit, section, before, symbol, 0, 0);
    if (start !== end) cutAnonymous(unit, section, end, start, 0);
    const size = word(word(SYMBOL.size) + symbol);
    const atom = dataAtom(unit, section, kind, symbol, start, size);
    if (cutAliases(unit, section, place, next, symbol, atom) === 0) return 0;
    end = start + size;
    before = symbol;
    place = next;
  }
  const size = word(word(SECTION.size) + section);
  if (end >>> 0 < size >>> 0) cutAnonymous(unit, section, end, size, 1);
  return 1;
}

function dataAtom(
  unit: number,
  section: number,
  kind: number,
  symbol: number,
  start: number,
  size: number,
): number {
  const atom = placedAtom(unit, section, kind, symbol, start, size);
  setWord(word(ATOM.align) + atom, alignmentAt(start, word(word(SECTION.align) + section)));
  return atom;
}

/** Largest power of two that divides the offset, at most the alignment of the section. */
function alignmentAt(offset: number, align: number): number {
  const most = align < 1 ? 1 : align;
  const own = offset & (0 - offset);
  return own > 0 && own < most ? own : most;
}

/**
 * Loaders find maps by the names that BTF has: another name of a map is that map. Two at one place that BTF
 * describes would be two maps.
 */
function cutAliases(
  unit: number,
  section: number,
  place: number,
  next: number,
  symbol: number,
  atom: number,
): number {
  if (next === nextSymbol(section, place + 1, ATOM_KIND.variable)) return 1;
  const kind = word(word(ATOM.kind) + atom);
  const isTwo = kind === ATOM_KIND.map && describedAt(place, next, ATOM_KIND.variable, section) > 1;
  for (let at = place; at < next; at = nextSymbol(section, at + 1, ATOM_KIND.variable)) {
    const other = word(state(READER.order) + at);
    if (other === symbol) continue;
    if (isTwo) return refuse(OBJECT_FAULT.overlap, unit, section, symbol, other, 0, 0);
    if (kind === ATOM_KIND.map) nameMap(other, atom);
    else nameVariable(unit, section, other, atom);
  }
  return 1;
}

function nameMap(symbol: number, atom: number): number {
  setWord(word(SYMBOL.atom) + symbol, atom);
  setState(READER.mapNames, 1);
  return atom;
}

function nameVariable(unit: number, section: number, symbol: number, atom: number): number {
  setState(READER.aliases, state(READER.aliases) + 1);
  return newAlias(unit, section, symbol, atom);
}

/**
 * Bytes between two symbols: padding when they are zero, alignment explains them and nothing refers to them,
 * else an anonymous variable. Padding before the first byte that something refers to does not belong to it: the
 * variable has the alignment of that byte. `last`: 1 at the end of the section.
 */
function cutAnonymous(unit: number, section: number, start: number, end: number, last: number): number {
  findAddresses(unit);
  const position = addressFrom(section, start);
  let first = position < endOfAddresses(section) ? addressAt(position) : end;
  if (end >>> 0 < first >>> 0) first = end;
  const from = first !== end && isPadding(section, start, first) === 1 ? first : start;
  if (first === end && last === 0 && isPadding(section, start, end) === 1) return 0;
  return dataAtom(unit, section, ATOM_KIND.variable, 0, from, end - from);
}

/** Zeros that the alignment at `end` asks for. */
function isPadding(section: number, start: number, end: number): number {
  const align = alignmentAt(end, word(word(SECTION.align) + section));
  if (((start + align - 1) & (0 - align)) !== (end | 0)) return 0;
  if (word(word(SECTION.type) + section) === SHT_NOBITS) return 1;
  const at = word(word(SECTION.at) + section);
  for (let i = start; i < end; i = i + 1) if (byte(at + i) !== 0) return 0;
  return 1;
}

/**
 * Strings that nothing refers to are left out: they could not be distinguished from millions of empty ones. DWARF
 * also refers to strings without relocations.
 */
function cutStrings(unit: number, section: number): number {
  const at = word(word(SECTION.at) + section);
  const size = word(word(SECTION.type) + section) === SHT_NOBITS ? 0 : word(word(SECTION.size) + section);
  if (size === 0) return 1;
  if (byte(at + size - 1) !== 0) return refuse(OBJECT_FAULT.stringSection, unit, section, 0, 0, 0, 0);
  if (isDebug(section) === 1) return cutAllStrings(unit, section, at, size);
  findAddresses(unit);
  const to = endOfAddresses(section);
  let end = 0;
  for (let position = addressFrom(section, 0); position < to; position = position + 1) {
    const offset = addressAt(position);
    if (offset < end) continue;
    let start = offset;
    while (start > end && byte(at + start - 1) !== 0) start = start - 1;
    end = afterString(at, offset);
    dataAtom(unit, section, ATOM_KIND.variable, 0, start, end - start);
  }
  return 1;
}

function cutAllStrings(unit: number, section: number, at: number, size: number): number {
  let start = 0;
  while (start < size) {
    const end = afterString(at, start);
    dataAtom(unit, section, ATOM_KIND.variable, 0, start, end - start);
    start = end;
  }
  return 1;
}

/** Offset after the NUL of the string that contains an offset. */
function afterString(at: number, offset: number): number {
  let end = offset;
  while (byte(at + end) !== 0) end = end + 1;
  return end + 1;
}
