/**
 * Which maps have all their memory from the start, and which take it from the heap when they need it.
 *
 * What is reserved is found by a multiplication, so that small maps are reserved. Large ones, and small ones
 * when there are very many, get only a table of their chunks.
 */

import { quote } from '../../diag/index.ts';
import type { MapDefinition } from '../../object/index.ts';
import type { LayoutBuilder, MapStorage } from '../state/index.ts';
import { elementStride, heapReach, storageSize, tableSize } from './map-factory.ts';

/** Largest map that is reserved, in bytes, and largest sum of them. */
const RESERVED_MAP = 0x40000;
const RESERVED_MAPS = 0x1000000;

export interface PlacedMaps {
  /** In the order of the definitions. */
  readonly storages: readonly MapStorage[];
  /** Bytes that the maps may take from the heap. */
  readonly heap: number;
  /** The map with the largest reserved block or table; undefined when there are no maps. */
  readonly largest: string | undefined;
}

export function placeStorages(layout: LayoutBuilder, definitions: readonly MapDefinition[]): PlacedMaps {
  let [reserved, heap, most] = [0, 0, -1];
  let largest: string | undefined;
  const storages = definitions.map((definition): MapStorage => {
    const size = storageSize(definition);
    const fits = size <= RESERVED_MAP && reserved + size <= RESERVED_MAPS;
    const fixed = fits ? size : tableSize(definition);
    if (fixed > most) [most, largest] = [fixed, definition.name];
    if (fits) {
      reserved += size;
      return { kind: 'reserved', address: addReserved(layout, definition, size) };
    }
    heap += heapReach(definition);
    return { kind: 'on-demand', table: layout.add('map table', fixed) };
  });
  return { storages, heap, largest };
}

function addReserved(layout: LayoutBuilder, definition: MapDefinition, size: number): number {
  const stride = elementStride(definition);
  const elementSize = stride === size ? size : definition.valueSize;
  return layout.add(`map ${quote(definition.name)}`, size, { stride, elementSize });
}
