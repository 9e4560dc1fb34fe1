/** Maps of a loaded object that take the place of maps which another load would create. */

import type { LoadOptions } from '../../load/index.ts';
import type { BpfObject, BpfSymbol } from '../../object/index.ts';
import type { SharedMap } from './compose.ts';
import type { Provider } from './provider.ts';

/**
 * Sizes of live maps, for the plan of what uses them: they may have been given when the provider was loaded.
 */
export function liveSizes(
  maps: Iterable<readonly [name: string, live: SharedMap]>,
  given: LoadOptions['maxEntries'],
): Map<string, number> {
  const sizes = new Map(given);
  for (const [name, { provider, name: original }] of maps) {
    using map = provider.openMap(original);
    if (map !== undefined) sizes.set(name, map.maxEntries);
  }
  return sizes;
}

/** All maps of a provider, under their own names. */
export function mapsOf(provider: Provider): [name: string, live: SharedMap][] {
  return provider.object.symbols.flatMap(({ kind, name }) =>
    kind === 'map' ? [[name, { provider, name }] as [string, SharedMap]] : [],
  );
}

/**
 * The object whose arrays of programs are not filled, and whose programs are not loaded for them: the arrays
 * exist.
 */
export function withoutStages(object: BpfObject): BpfObject {
  const symbols = object.symbols.map((symbol): BpfSymbol => {
    if (symbol.kind !== 'map') return symbol;
    const references = symbol.references.filter(
      ({ symbol: target }) => object.symbols[target]?.kind !== 'function',
    );
    return references.length === symbol.references.length ? symbol : { ...symbol, references };
  });
  return { ...object, symbols };
}
