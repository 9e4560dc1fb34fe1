/**
 * The layouts of legacy map definitions.
 *
 * All begin with the same five numbers. What follows depends on whose header the program was compiled with,
 * which only the size of a definition and its values show:
 *
 * | bytes | definition | after `map_flags` |
 * |---|---|---|
 * | 16 | first Linux samples, perf | (no flags) |
 * | 20 | libbpf, cilium/ebpf, redbpf | |
 * | 24 | samples of Linux 4.12 | index of the inner map |
 * | 28 | samples since Linux 4.14 | index of the inner map, NUMA node |
 * | 28 | iproute2 before 4.12, aya | id, pinning |
 * | 36 | iproute2 (`struct bpf_elf_map`) | id, pinning, inner id, index in the outer map |
 * | 280 | gobpf | pinning, namespace |
 *
 * Anything else may be longer only by zeros: the rule of libbpf before 1.0.
 */

import { type ByteOrder, viewOf } from '../../bytes/index.ts';
import {
  BPF_F_NUMA_NODE,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_UNSPEC,
} from '../../uapi/index.ts';

/** What a legacy map definition says. */
export interface LegacyMap {
  readonly type: number;
  /** Bytes. */
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly numaNode: number;
  /** As it is in the definition: what it means depends on whose it is. */
  readonly pinning: number;
  /** Whose numbers `pinning` has. */
  readonly pinningOf: 'iproute2' | 'aya' | 'gobpf';
  /** Map of maps: where its inner map is described. */
  readonly inner: LegacyInner | null;
  /** iproute2's number of the map; 0 for none. */
  readonly id: number;
  /** Where iproute2 puts the map in the map of maps whose inner id is `id`; null for nowhere. */
  readonly indexInOuter: number | null;
}

/** The inner map as its position among the maps of the section, or as its id. */
export type LegacyInner = { readonly position: number } | { readonly id: number };

const SMALLEST = 16;

/** Reads a definition; the text of a problem if it has no known layout. */
export function parseLegacyMap(bytes: Uint8Array, order: ByteOrder): LegacyMap | string {
  if (bytes.length < SMALLEST) {
    return `has ${bytes.length} bytes; a definition has at least ${SMALLEST}: type, key_size, value_size, max_entries`;
  }
  const words = wordsOf(bytes, order);
  const [type = 0, keySize = 0, valueSize = 0, maxEntries = 0, flags = 0, ...rest] = words;
  if (type === BPF_MAP_TYPE_UNSPEC) return 'has type 0, which is not a type of maps';
  const fields = furtherFields({ type, flags }, rest, bytes.length);
  if (fields === undefined) {
    return `has ${bytes.length} bytes, and the bytes after map_flags are neither zero nor those of a known layout`;
  }
  return { ...NOTHING_ELSE, type, keySize, valueSize, maxEntries, flags, ...fields };
}

type Further = Omit<LegacyMap, 'type' | 'keySize' | 'valueSize' | 'maxEntries' | 'flags'>;

const NOTHING_ELSE: Further = {
  numaNode: 0,
  pinning: 0,
  pinningOf: 'iproute2',
  inner: null,
  id: 0,
  indexInOuter: null,
};

/** All whole numbers of 4 bytes, and one for bytes that are left over. */
function wordsOf(bytes: Uint8Array, order: ByteOrder): number[] {
  const view = viewOf(bytes);
  const words: number[] = [];
  for (let offset = 0; offset + 4 <= bytes.length; offset += 4)
    words.push(view.getUint32(offset, order === 'little'));
  const left = bytes.subarray(words.length * 4);
  return left.length === 0 ? words : [...words, Math.max(...left)];
}

function furtherFields(
  { type, flags }: Pick<LegacyMap, 'type' | 'flags'>,
  rest: readonly number[],
  size: number,
): Partial<Further> | undefined {
  const [first = 0, second = 0] = rest;
  const holdsMaps = type === BPF_MAP_TYPE_ARRAY_OF_MAPS || type === BPF_MAP_TYPE_HASH_OF_MAPS;
  const onNode = (flags & BPF_F_NUMA_NODE) !== 0;
  if (size === 36) return iproute2Fields(rest, holdsMaps);
  if (size === 28 && (holdsMaps || onNode)) return sampleFields(first, onNode ? second : 0, holdsMaps);
  if (size === 28) return { id: first, pinning: second, pinningOf: 'aya' };
  if (size === 24 && holdsMaps) return sampleFields(first, 0, holdsMaps);
  if (size === 280) return { pinning: first, pinningOf: 'gobpf' };
  return rest.every(word => word === 0) ? {} : undefined;
}

function sampleFields(position: number, numaNode: number, holdsMaps: boolean): Partial<Further> {
  return { numaNode, inner: holdsMaps ? { position } : null };
}

/** An index of -1: the map is not put anywhere. */
const NOWHERE = 0xffffffff;

function iproute2Fields(rest: readonly number[], holdsMaps: boolean): Partial<Further> {
  const [id = 0, pinning = 0, innerId = 0, index = 0] = rest;
  return {
    id,
    pinning,
    inner: holdsMaps ? { id: innerId } : null,
    indexInOuter: index === NOWHERE ? null : index,
  };
}
