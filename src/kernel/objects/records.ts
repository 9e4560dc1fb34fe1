/** Records of ring buffers and perf buffers as what the program sent: bytes, or values of a type. */

import type { BpfMap } from './map.ts';
import type { Pending } from './pending.ts';

/** A map, whose records are bytes, or one with a type for its records. */
export type RecordSource<Item> =
  | (Uint8Array extends Item ? BpfMap : never)
  | { readonly map: BpfMap; decodeRecord(bytes: Uint8Array): Item };

/** The map, and what its records are made into. */
export function recordsOf<Item>(source: RecordSource<Item>): {
  readonly map: BpfMap;
  readonly decode: (bytes: Uint8Array) => Item;
} {
  if ('decodeRecord' in source) return { map: source.map, decode: bytes => source.decodeRecord(bytes) };
  // a map alone is taken only where items are bytes: see the type
  return { map: source, decode: bytes => bytes as Item };
}

/**
 * All records, decoded. Those after one that cannot be decoded are put back, and it is reported when it is the first
 * one: what was decoded before it is not lost.
 */
export function decodeAll<Raw, Item>(
  records: readonly Raw[],
  decode: (record: Raw) => Item,
  pending: Pending<Raw>,
): Item[] {
  const items: Item[] = [];
  for (const [index, record] of records.entries()) {
    try {
      items.push(decode(record));
    } catch (error) {
      // what was pending before is among the records, unless a limit left some
      pending.put([...records.slice(index === 0 ? 1 : index), ...pending.takeAll()]);
      if (index === 0) throw error;
      return items;
    }
  }
  return items;
}
