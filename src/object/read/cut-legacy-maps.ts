/**
 * Sections of legacy map definitions (`maps`, `maps/NAME`) into maps.
 *
 * Each map is a symbol, and all entries of a section have one size: that of the section divided by the number
 * of maps, as loaders of these sections compute it. The entries are read later (`legacy-maps`), after all that
 * refers to them.
 */

import { inputError, quote, type RootletError } from '../../diag/index.ts';
import { STB_LOCAL, STT_NOTYPE, STT_OBJECT } from '../../elf/index.ts';
import { ATOM, ATOM_KIND, HEADER, type Image, SECTION, SYMBOL, UNIT } from '../../image/index.ts';
import * as atoms from './kernels/atoms.kernel.ts';
import { READER } from './kernels/index.ts';

/** Whether a section of that name holds map definitions as they were before BTF. */
export function isLegacyMaps(name: string): boolean {
  return name === 'maps' || name.startsWith('maps/');
}

/** A section of a unit, and the rows of SYMBOL of its maps in order of place. */
interface MapSection {
  readonly image: Image;
  readonly unit: number;
  readonly row: number;
  readonly symbols: readonly number[];
}

/** Cuts the ELF section `index` into entries of one size. Throws `object-legacy-maps`. */
export function cutLegacyMaps(image: Image, unit: number, index: number): void {
  const row = image.get(UNIT.sections, unit) + index;
  const symbols = symbolsIn(image, index).filter(symbol => isMapSymbol(image, symbol));
  const section = { image, unit, row, symbols };
  for (const symbol of symbols) refuseStatic(section, symbol);
  const total = sizeOf(section);
  if (symbols.length === 0) {
    if (total === 0) return;
    throw layoutError(section, `has ${total} bytes but no symbols, so its maps have no names`);
  }
  const size = total / symbols.length;
  if (symbols.some((symbol, position) => placeIn(section, symbol) !== position * size))
    throw unevenError(section);
  for (const symbol of symbols) {
    const atom = image
      .run(atoms)
      .placedAtom(unit, row, ATOM_KIND.map, symbol, placeIn(section, symbol), size);
    image.set(ATOM.align, atom, 8);
  }
}

/** Rows of SYMBOL of an ELF section, as the kernels have put them in order. */
function symbolsIn({ words }: Image, index: number): readonly number[] {
  const block = words[HEADER.reader] ?? 0;
  const begins = (words[block + READER.orderFirst] ?? 0) + index;
  const order = words[block + READER.order] ?? 0;
  return [...words.subarray(order + (words[begins] ?? 0), order + (words[begins + 1] ?? 0))];
}

/** Local symbols without a type are labels. */
function isMapSymbol(image: Image, symbol: number): boolean {
  const type = image.get(SYMBOL.type, symbol);
  return type === STT_OBJECT || (type === STT_NOTYPE && image.get(SYMBOL.binding, symbol) !== STB_LOCAL);
}

function sizeOf({ image, row }: MapSection): number {
  return image.get(SECTION.size, row) >>> 0;
}

function placeIn({ image }: MapSection, symbol: number): number {
  return image.get(SYMBOL.value, symbol) >>> 0;
}

function nameOf({ image }: MapSection, symbol: number): string {
  return quote(image.nameText(image.get(SYMBOL.name, symbol)));
}

function placeOf({ image, row }: MapSection): string {
  return `section ${quote(image.nameText(image.get(SECTION.name, row)))}`;
}

function refuseStatic(section: MapSection, symbol: number): void {
  if (section.image.get(SYMBOL.binding, symbol) !== STB_LOCAL) return;
  throw inputError(
    'object-legacy-maps',
    [placeOf(section), `map ${nameOf(section, symbol)}`],
    'is static; legacy maps are found by their global symbols',
    { offset: placeIn(section, symbol), hint: 'remove static, or define the map in SEC(".maps")' },
  );
}

function unevenError(section: MapSection): RootletError {
  const { symbols } = section;
  const places = symbols.map(symbol => `${nameOf(section, symbol)} at ${placeIn(section, symbol)}`);
  const count = `${symbols.length} map${symbols.length === 1 ? '' : 's'}`;
  return layoutError(
    section,
    `has ${sizeOf(section)} bytes for ${count} (${places.join(', ')}), so its definitions are not of one size`,
  );
}

function layoutError(section: MapSection, message: string): RootletError {
  return inputError('object-legacy-maps', [placeOf(section)], message, {
    hint: 'define maps in SEC(".maps") with __uint() and __type()',
  });
}
