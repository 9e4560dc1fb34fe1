/**
 * Where atoms are in their sections.
 *
 * Atoms follow one another in symbol order at their own alignment. The reader gives each atom the alignment
 * that its old offset had, so that the atoms of an input keep their distances as long as all of them are
 * kept, and a section that was laid out here is laid out the same way again. Aliases have the place of the symbol
 * that they are aliases of; they are not atoms of the section.
 */

import { alignUp, elementAt } from '../../bytes/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import { placeOwner } from './aliases.ts';
import {
  type BpfObject,
  type BpfSymbol,
  isCommon,
  type MapSymbol,
  type SectionIndex,
  type SymbolIndex,
} from './model.ts';

export interface PlacedSymbol {
  readonly symbol: SymbolIndex;
  readonly offset: number;
}

export interface SectionLayout {
  readonly section: SectionIndex;
  /** In order of offset. */
  readonly atoms: readonly PlacedSymbol[];
  /** Bytes. */
  readonly size: number;
  readonly align: number;
}

export interface ObjectLayout {
  /** One for each section of the object, in its order; sections without atoms have size 0. */
  readonly sections: readonly SectionLayout[];
  /** Offset of each symbol in its section; 0 for externs. Indexed like `BpfObject.symbols`. */
  readonly offsets: readonly number[];
}

export interface LayoutOptions {
  /** Give tentative definitions no place: a file that is linked again keeps them as such. Default false. */
  readonly withoutCommon?: boolean;
}

/** Assigns an offset to every atom. */
export function layoutSections(object: BpfObject, options: LayoutOptions = {}): ObjectLayout {
  const sections = object.sections.map(shell => ({
    atoms: [] as PlacedSymbol[],
    size: 0,
    align: Math.max(shell.align, 1),
  }));
  const offsets = new Array<number>(object.symbols.length).fill(0);
  for (const index of placementOrder(object)) {
    const symbol = object.symbols[index];
    if (symbol === undefined || symbol.kind === 'extern') continue;
    if (options.withoutCommon === true && isCommon(symbol)) continue;
    const section = sections[symbol.section];
    if (section === undefined || placeOwner(object, symbol) !== undefined) continue;
    const align = alignmentOf(symbol);
    const offset = alignUp(section.size, align);
    section.atoms.push({ symbol: index, offset });
    section.size = offset + sizeOfSymbol(symbol);
    section.align = Math.max(section.align, align);
    offsets[index] = offset;
  }
  object.symbols.forEach((symbol, index) => {
    const owner = placeOwner(object, symbol);
    if (owner !== undefined) offsets[index] = elementAt(offsets, owner);
  });
  return { sections: sections.map((section, index) => ({ section: index, ...section })), offsets };
}

/**
 * Symbol order, but for maps that hold other maps: they come after them. libbpf makes maps in the order of
 * `.maps` and fills each at once, so an outer map must not be before what it holds.
 */
function placementOrder(object: BpfObject): SymbolIndex[] {
  const first: SymbolIndex[] = [];
  const later: SymbolIndex[] = [];
  object.symbols.forEach((symbol, index) => {
    (symbol.kind === 'map' && holdsMaps(object, symbol) ? later : first).push(index);
  });
  return later.length === 0 ? first : [...first, ...later];
}

function holdsMaps(object: BpfObject, map: MapSymbol): boolean {
  return map.references.some(reference => object.symbols[reference.symbol]?.kind === 'map');
}

/** Bytes that a symbol takes in its section; 0 for an extern. */
export function sizeOfSymbol(symbol: BpfSymbol): number {
  if (symbol.kind === 'extern') return 0;
  return symbol.kind === 'function' ? symbol.code.length : symbol.size;
}

function alignmentOf(symbol: BpfSymbol): number {
  if (symbol.kind === 'function') return INSN_SIZE;
  return symbol.kind === 'extern' ? 1 : Math.max(symbol.align, 1);
}
