/**
 * Sections of legacy map definitions (`maps`, `maps/NAME`) into maps.
 *
 * Each map is a symbol, and all entries of a section have one size: that of the section divided by the number
 * of maps, as loaders of these sections compute it. The entries are read later (`legacy-maps`), after all that
 * refers to them.
 */

import { inputError, quote, type RootletError } from '../../diag/index.ts';
import { type ElfSection, type ElfSymbol, STB_LOCAL, STT_NOTYPE, STT_OBJECT } from '../../elf/index.ts';
import { bindingOf, type Cutter, type NamedSymbol, placeOf, pushAtom, visibilityOf } from './cutter.ts';
import { newDraft } from './draft.ts';

/** Whether a section holds map definitions as they were before BTF. */
export function isLegacyMaps({ name }: Pick<ElfSection, 'name'>): boolean {
  return name === 'maps' || name.startsWith('maps/');
}

/** Cuts the section into entries of one size. Throws `object-legacy-maps`. */
export function cutLegacyMaps(cutter: Cutter): void {
  const { section } = cutter;
  const named = cutter.symbols.filter(({ symbol }) => isMapSymbol(symbol));
  for (const { symbol } of named) refuseStatic(cutter, symbol);
  if (named.length === 0) {
    if (section.size === 0) return;
    throw layoutError(cutter, `has ${section.size} bytes but no symbols, so its maps have no names`);
  }
  const size = section.size / named.length;
  if (named.some(({ symbol }, position) => symbol.value !== position * size))
    throw unevenError(cutter, named);
  for (const entry of named) cutEntry(cutter, entry, size);
}

/** Local symbols without a type are labels. */
function isMapSymbol({ type, binding }: ElfSymbol): boolean {
  return type === STT_OBJECT || (type === STT_NOTYPE && binding !== STB_LOCAL);
}

function refuseStatic(cutter: Cutter, { binding, name, value }: ElfSymbol): void {
  if (binding !== STB_LOCAL) return;
  throw inputError(
    'object-legacy-maps',
    [...placeOf(cutter), `map ${quote(name)}`],
    'is static; legacy maps are found by their global symbols',
    { offset: value, hint: 'remove static, or define the map in SEC(".maps")' },
  );
}

function cutEntry(cutter: Cutter, { index, symbol }: NamedSymbol, size: number): void {
  const { section } = cutter;
  const draft = newDraft({
    kind: 'map',
    name: symbol.name,
    binding: bindingOf(symbol),
    visibility: visibilityOf(symbol),
    offset: symbol.value,
    size,
    align: 8,
    bytes: section.bytes.slice(symbol.value, symbol.value + size),
  });
  cutter.ofElfSymbol[index] = pushAtom(cutter, draft);
}

function unevenError(cutter: Cutter, named: readonly NamedSymbol[]): RootletError {
  const { size } = cutter.section;
  const places = named.map(({ symbol }) => `${quote(symbol.name)} at ${symbol.value}`);
  const count = `${named.length} map${named.length === 1 ? '' : 's'}`;
  return layoutError(
    cutter,
    `has ${size} bytes for ${count} (${places.join(', ')}), so its definitions are not of one size`,
  );
}

function layoutError(cutter: Cutter, message: string): RootletError {
  return inputError('object-legacy-maps', placeOf(cutter), message, {
    hint: 'define maps in SEC(".maps") with __uint() and __type()',
  });
}
