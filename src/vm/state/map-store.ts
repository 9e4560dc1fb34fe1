/**
 * What all maps of the machine have in common.
 *
 * Elements are in the machine's memory, because programs get pointers to them; how they are found is the
 * business of each kind of map. Keys and values are given as addresses. Functions return 0 or a negative
 * errno, as the kernel's.
 */

import type { MapDefinition } from '../../object/index.ts';
import { BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG } from '../../uapi/index.ts';
import type { Heap } from './heap.ts';
import type { MachineMemory } from './memory.ts';
import { READ, WRITE } from './memory-model.ts';

/** Bytes between neighbouring values that nothing may access. */
export const RED_ZONE = 16;

export interface Element {
  /** Address of the key; 0 for maps without keys. */
  readonly key: number;
  readonly value: number;
}

/** Where the elements of an array are, by index. */
export type ArrayPlace =
  | { readonly kind: 'reserved'; readonly address: number; readonly stride: number }
  /** In chunks of 2^`shift` elements, whose addresses are in a table of u32; 0 for none yet. */
  | { readonly kind: 'chunks'; readonly table: number; readonly shift: number; readonly stride: number };

/** What was reserved for a map when memory was laid out. */
export type MapStorage =
  /** All that it can need. */
  | { readonly kind: 'reserved'; readonly address: number }
  /** A table of the chunks that it takes from the heap. */
  | { readonly kind: 'on-demand'; readonly table: number };

export interface MapStore {
  readonly definition: MapDefinition;
  /** Where the elements are when all of them always exist and their index is the key. */
  readonly array: ArrayPlace | null;
  /** Address of the value, 0 when there is none. What the program's lookup returns. */
  lookup(key: number): number;
  update(key: number, value: number, flags: number): number;
  remove(key: number): number;
  /** All elements. Keys may be in a cell that the next step overwrites. Elements may be removed meanwhile. */
  elements(): Iterable<Element>;
  /** For queues, stacks and Bloom filters. */
  readonly queue?: QueueStore;
  /**
   * For maps whose elements exist without memory: the same elements for a reader, who must not write, so that
   * reading takes no memory.
   */
  readonly reader?: Pick<MapStore, 'lookup' | 'elements'>;
}

export interface QueueStore {
  push(value: number, flags: number): number;
  /** Copies the oldest (queue) or newest (stack) value to `value` and removes it. */
  pop(value: number): number;
  peek(value: number): number;
}

/** What a map needs from its surroundings. */
export interface StoreEnv {
  readonly memory: MachineMemory;
  readonly definition: MapDefinition;
  readonly storage: MapStorage;
  /** Where storage comes from that is taken on demand. */
  readonly heap: Heap;
  /** The value has a `struct bpf_spin_lock`. */
  readonly hasLock: boolean;
  /** Cell for one key of any array, readable by callbacks. */
  readonly keyCell: number;
  /** As many zeros as the largest value has bytes, which no program can access. */
  readonly zeros: number;
}

/** Permissions that the map's flags leave to programs. */
export function programPermissions(flags: number): number {
  if ((flags & BPF_F_RDONLY_PROG) !== 0) return READ;
  return (flags & BPF_F_WRONLY_PROG) !== 0 ? WRITE : READ | WRITE;
}

/** Copies small blocks word by word, which beats the engine's general copy. */
export function copyBytes(memory: MachineMemory, to: number, from: number, size: number): void {
  if (size > 64) {
    memory.bytes.copyWithin(to, from, from + size);
    return;
  }
  const { view } = memory;
  let done = 0;
  for (; done + 4 <= size; done += 4) view.setInt32(to + done, view.getInt32(from + done, true), true);
  for (; done < size; done++) view.setUint8(to + done, view.getUint8(from + done));
}
