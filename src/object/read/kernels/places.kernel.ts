/**
 * Places: symbols of one section, of a kind that names code or data, at one offset with one size. One of them owns the
 * place, the others are its aliases.
 */

import { STB_LOCAL, STT_FUNC, STT_NOTYPE, STT_OBJECT } from '../../../elf/constants.ts';
import { ATOM_KIND } from '../../../image/codes.ts';
import { SYMBOL } from '../../../image/layout.ts';
import { word } from '../../../image/memory.ts';
import { READER } from './reader.ts';
import { indexOf, state } from './state.kernel.ts';

/**
 * Position in READER.order of the first symbol of a section from `at` on that names code (`kind` 0) or data. A global
 * without a type comes from assembly that left out `.type`; local ones are labels.
 */
export function nextSymbol(section: number, at: number, kind: number): number {
  const to = word(state(READER.orderFirst) + indexOf(section) + 1);
  const order = state(READER.order);
  const wanted = kind === 0 ? STT_FUNC : STT_OBJECT;
  while (at < to) {
    const symbol = word(order + at);
    const type = word(word(SYMBOL.type) + symbol);
    if (kind === ATOM_KIND.function && word(word(SYMBOL.name) + symbol) === 0) {
      at = at + 1;
      continue; // what it names is not written: its code is a hole
    }
    if (type === wanted) return at;
    if (type === STT_NOTYPE && word(word(SYMBOL.binding) + symbol) !== STB_LOCAL) return at;
    at = at + 1;
  }
  return to;
}

/** Position of the first symbol of the place after that of the symbol at position `place`. */
export function afterPlace(section: number, place: number, kind: number): number {
  const next = nextSymbol(section, place + 1, kind);
  if (state(READER.shared) === 0) return next;
  const to = word(state(READER.orderFirst) + indexOf(section) + 1);
  const order = state(READER.order);
  const first = word(order + place);
  const size = word(word(SYMBOL.size) + first);
  let at = next;
  while (at < to && size !== 0) {
    const symbol = word(order + at);
    if (word(word(SYMBOL.value) + symbol) !== word(word(SYMBOL.value) + first)) return at;
    if (word(word(SYMBOL.size) + symbol) !== size) return at;
    at = nextSymbol(section, at + 1, kind);
  }
  return at;
}

/** Row of SYMBOL that owns a place, from position `place` to `next`: the first that BTF describes, else the first. */
export function ownerOf(place: number, next: number, kind: number, section: number): number {
  const order = state(READER.order);
  if (state(READER.shared) === 1)
    for (let at = place; at < next; at = nextSymbol(section, at + 1, kind))
      if (isDescribed(word(order + at)) === 1) return word(order + at);
  return word(order + place);
}

/** Number of symbols of a place that BTF describes. */
export function describedAt(place: number, next: number, kind: number, section: number): number {
  let count = 0;
  if (state(READER.shared) === 1)
    for (let at = place; at < next; at = nextSymbol(section, at + 1, kind))
      count = count + isDescribed(word(state(READER.order) + at));
  return count;
}

/** READER.described has a word for each symbol of the unit. */
function isDescribed(symbol: number): number {
  return word(state(READER.described) + symbol - state(READER.firstSymbol));
}
