/** Where the symbols of an object are in their sections, for those who need no file. The rule is a kernel. */

import { elementAt } from '../../bytes/index.ts';
import { ATOM, FAULT, Image, REFERENCE, SHELL, UNIT } from '../../image/index.ts';
import { type BpfObject, type SectionIndex, type SymbolIndex, symbolOf, unitOf } from '../model/index.ts';
import { throwFault } from './explain.ts';
import { importPlaces } from './import-places.ts';
import * as kernel from './layout.kernel.ts';

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

/** Assigns an offset to every atom, tentative definitions included. */
export function layoutSections(object: BpfObject): ObjectLayout {
  const place = unitOf(object);
  if (place !== undefined) return layoutOf(place.image, place.unit);
  const image = new Image();
  const unit = image.addUnit(object.name);
  importPlaces(image, unit, object);
  importContainedMaps(image, unit, object);
  const layout = layoutOf(image, unit);
  image.release();
  return layout;
}

/** Throws the fault of a unit that cannot be laid out. `common`: as `layoutUnit` takes it. */
export function layOut(image: Image, unit: number, common: 0 | 1): void {
  const faults = Math.max(image.count(FAULT), 1);
  if (image.run(kernel).layoutUnit(unit, common) === 0) throwFault(image, faults);
}

/** References of maps: they decide the order of maps. */
function importContainedMaps(image: Image, unit: number, object: BpfObject): void {
  const atoms = image.get(UNIT.atoms, unit);
  object.symbols.forEach((symbol, index) => {
    if (symbol.kind !== 'map' || symbol.references.length === 0) return;
    const first = image.addRows(REFERENCE, symbol.references.length);
    image.set(ATOM.references, atoms + index, first);
    image.set(ATOM.referenceCount, atoms + index, symbol.references.length);
    symbol.references.forEach((reference, at) => {
      symbolOf(object, reference.symbol);
      image.set(REFERENCE.atom, first + at, atoms + reference.symbol);
    });
  });
}

function layoutOf(image: Image, unit: number): ObjectLayout {
  layOut(image, unit, 1);
  const { words } = image;
  const row = (column: number): number => elementAt(words, column);
  const atoms = image.get(UNIT.atoms, unit);
  const places = row(ATOM.place) + atoms;
  const offsets = Array.from(words.subarray(places, places + image.get(UNIT.atomCount, unit)));
  const shells = image.get(UNIT.shells, unit);
  const sections = Array.from({ length: image.get(UNIT.shellCount, unit) }, (_, section): SectionLayout => {
    const shell = shells + section;
    const first = image.get(SHELL.members, shell);
    const members = words.subarray(first, first + image.get(SHELL.memberCount, shell));
    const placed = Array.from(members, (atom): PlacedSymbol => {
      return { symbol: atom - atoms, offset: elementAt(offsets, atom - atoms) };
    });
    return {
      section,
      atoms: placed,
      size: image.get(SHELL.size, shell),
      align: image.get(SHELL.placedAlign, shell),
    };
  });
  return { sections, offsets };
}
