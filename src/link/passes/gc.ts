/**
 * Garbage collection: the symbols that are needed whatever refers to them.
 *
 * What they reach is marked by `object/live.ts`; what is wanted, and by whom, is a table of
 * `object/needs.ts`.
 */

import {
  type BpfObject,
  isMetadata,
  isNeededAnyway,
  isProgram,
  type SymbolIndex,
} from '../../object/index.ts';

/**
 * Programs, what loaders and tools want (`isNeededAnyway`), and what loaders read by section name
 * (`.xdp_run_config` and other sections that become no map).
 */
export function defaultRoots(object: BpfObject): SymbolIndex[] {
  return object.symbols.flatMap((symbol, index) =>
    isNeededAnyway(object, index) || isProgram(object, symbol) || isMetadata(object, index) ? [index] : [],
  );
}
