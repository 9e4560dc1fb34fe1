/**
 * Code into functions. What no symbol names is a hole that another linker left; it becomes a function if one starts
 * there according to `.BTF.ext`, else it is discarded.
 */

import { ATOM_KIND } from '../../../image/codes.ts';
import { ATOM, SECTION, SYMBOL } from '../../../image/layout.ts';
import { setWord, word } from '../../../image/memory.ts';
import { OBJECT_FAULT } from '../faults.ts';
import { entryAt, entryFrom, findEntries } from './addresses.kernel.ts';
import { newAlias, placedAtom } from './atoms.kernel.ts';
import { afterPlace, nextSymbol, ownerOf } from './places.kernel.ts';
import { READER } from './reader.ts';
import { indexOf, refuse, setState, state } from './state.kernel.ts';

/** Returns 0, with a fault, where symbols do not cut the section. */
export function cutCode(unit: number, section: number): number {
  const to = word(state(READER.orderFirst) + indexOf(section) + 1);
  const length = word(word(SECTION.size) + section);
  let end = 0;
  let before = 0;
  let place = nextSymbol(section, word(state(READER.orderFirst) + indexOf(section)), ATOM_KIND.function);
  while (place < to) {
    const next = afterPlace(section, place, ATOM_KIND.function);
    const symbol = ownerOf(place, next, ATOM_KIND.function, section);
    const start = word(word(SYMBOL.value) + symbol);
    const nextStart = next < to ? word(word(SYMBOL.value) + word(state(READER.order) + next)) : length;
    if (next < to && nextStart === start)
      return refuse(
        OBJECT_FAULT.overlap,
        unit,
        section,
        symbol,
        ownerOf(next, afterPlace(section, next, ATOM_KIND.function), ATOM_KIND.function, section),
        0,
        0,
      );
    let size = word(word(SYMBOL.size) + symbol);
    if (size === 0) size = nextStart - start;
    if (start < end) return refuse(OBJECT_FAULT.overlap, unit, section, before, symbol, 0, 0);
    if (((start | size) & 7) !== 0 || size === 0)
      return refuse(OBJECT_FAULT.functionExtent, unit, section, symbol, start, size, 0);
    if (start > end) cutHole(unit, section, end, start);
    cutPlace(unit, section, place, next, symbol, size);
    end = start + size;
    before = symbol;
    place = next;
  }
  if (length > end) cutHole(unit, section, end, length);
  return 1;
}

/** A function, and its aliases: the symbols from `place` to `next`. */
function cutPlace(
  unit: number,
  section: number,
  place: number,
  next: number,
  symbol: number,
  size: number,
): number {
  const atom = placedAtom(unit, section, ATOM_KIND.function, symbol, word(word(SYMBOL.value) + symbol), size);
  setWord(word(ATOM.align) + atom, 8);
  for (
    let at = nextSymbol(section, place, ATOM_KIND.function);
    at < next;
    at = nextSymbol(section, at + 1, ATOM_KIND.function)
  ) {
    const other = word(state(READER.order) + at);
    if (other === symbol) continue;
    newAlias(unit, section, other, atom);
    setState(READER.aliases, state(READER.aliases) + 1);
  }
  return atom;
}

/** Code between two symbols. */
function cutHole(unit: number, section: number, start: number, end: number): number {
  setState(READER.holes, 1);
  findEntries(unit);
  const name = word(word(SECTION.name) + section);
  let position = entryFrom(unit, name, start);
  let entry = entryAt(unit, name, position, end);
  while (entry < end) {
    position = position + 1;
    const following = entryAt(unit, name, position, end);
    const next = following < end ? following : end;
    if (next > entry && (entry & 7) === 0) {
      const atom = placedAtom(unit, section, ATOM_KIND.function, 0, entry, next - entry);
      setWord(word(ATOM.align) + atom, 8);
    }
    entry = following;
  }
  return end;
}
