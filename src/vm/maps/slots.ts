/**
 * Arrays whose elements can be absent: of programs, of maps, of devices, CPUs and sockets to redirect to.
 *
 * What a program can see differs. Of a program array it sees nothing, an array of maps gives it the map, a
 * device map gives it the value. A slot of programs and maps is the u32 that compiled code uses, 0 for none.
 */

import { alignUp } from '../../bytes/index.ts';
import type { MapDefinition } from '../../object/index.ts';
import {
  BPF_EXIST,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_NOEXIST,
  E2BIG,
  EEXIST,
  EINVAL,
  ENOENT,
} from '../../uapi/index.ts';
import {
  copyBytes,
  type Element,
  type MachineMemory,
  type MapStore,
  READ,
  RED_ZONE,
  type StoreEnv,
} from '../state/index.ts';

/** Distance of slots. */
export function slotStride(definition: MapDefinition): number {
  return definition.type === BPF_MAP_TYPE_PROG_ARRAY || definition.type === BPF_MAP_TYPE_ARRAY_OF_MAPS
    ? 4
    : alignUp(definition.valueSize, 8) + RED_ZONE;
}

/**
 * Turns the number that a value names (a program's or a map's) into what a slot holds; 0 when there is no
 * such thing.
 */
export type ResolveSlot = (number: number) => number;

/** Program arrays and arrays of maps. Slots are little endian in any case: only the machine reads them. */
export class ReferenceArrayStore implements MapStore {
  readonly definition: MapDefinition;
  readonly array: { readonly address: number; readonly stride: number } | null;
  readonly #memory: MachineMemory;
  readonly #storage: number;
  readonly #keyCell: number;
  readonly #resolve: ResolveSlot;
  /** What update was given, for reading back. */
  readonly #numbers = new Map<number, number>();

  constructor(env: StoreEnv, resolve: ResolveSlot) {
    this.definition = env.definition;
    this.#memory = env.memory;
    this.#storage = env.storage;
    this.#keyCell = env.keyCell;
    this.#resolve = resolve;
    const programs = env.definition.type === BPF_MAP_TYPE_PROG_ARRAY;
    this.array = programs ? { address: env.storage, stride: slotStride(env.definition) } : null;
  }

  lookup(key: number): number {
    const index = this.#memory.u32(key);
    if (index >= this.definition.maxEntries || this.definition.type === BPF_MAP_TYPE_PROG_ARRAY) return 0;
    return this.#memory.view.getUint32(this.#slot(index), true);
  }

  update(key: number, value: number, flags: number): number {
    const index = this.#memory.u32(key);
    if (flags !== 0) return -EINVAL;
    if (index >= this.definition.maxEntries) return -E2BIG;
    return this.assign(index, this.#memory.u32(value));
  }

  /** Puts what the number names into a slot. */
  assign(index: number, number: number): number {
    const slot = this.#resolve(number);
    if (slot === 0) return -ENOENT;
    this.#memory.view.setUint32(this.#slot(index), slot, true);
    this.#numbers.set(index, number);
    return 0;
  }

  remove(key: number): number {
    const index = this.#memory.u32(key);
    if (index >= this.definition.maxEntries) return -E2BIG;
    if (!this.#numbers.delete(index)) return -ENOENT;
    this.#memory.view.setUint32(this.#slot(index), 0, true);
    return 0;
  }

  /** Values are the numbers that were put in. They are after the key in the shared cell. */
  *elements(): Iterable<Element> {
    for (const [index, number] of [...this.#numbers].sort((a, b) => a[0] - b[0])) {
      this.#memory.setU32(this.#keyCell, index);
      this.#memory.setU32(this.#keyCell + 8, number);
      yield { key: this.#keyCell, value: this.#keyCell + 8 };
    }
  }

  #slot(index: number): number {
    return this.#storage + index * slotStride(this.definition);
  }
}

/** Device, CPU and socket maps: a value is there or not; programs may read it. */
export class SparseArrayStore implements MapStore {
  readonly definition: MapDefinition;
  readonly array = null;
  readonly #memory: MachineMemory;
  readonly #storage: number;
  readonly #keyCell: number;
  readonly #present: Uint8Array;

  constructor(env: StoreEnv) {
    this.definition = env.definition;
    this.#memory = env.memory;
    this.#storage = env.storage;
    this.#keyCell = env.keyCell;
    this.#present = new Uint8Array(env.definition.maxEntries);
  }

  lookup(key: number): number {
    const index = this.#memory.u32(key);
    return this.#present[index] === 1 ? this.#value(index) : 0;
  }

  update(key: number, value: number, flags: number): number {
    const index = this.#memory.u32(key);
    if (flags < 0 || flags > BPF_EXIST) return -EINVAL;
    if (index >= this.definition.maxEntries) return -E2BIG;
    if (flags === BPF_NOEXIST) return -EEXIST;
    copyBytes(this.#memory, this.#value(index), value, this.definition.valueSize);
    this.#memory.permit(this.#value(index), this.definition.valueSize, READ);
    this.#present[index] = 1;
    return 0;
  }

  remove(key: number): number {
    const index = this.#memory.u32(key);
    if (index >= this.definition.maxEntries) return -EINVAL;
    this.#present[index] = 0;
    return 0;
  }

  *elements(): Iterable<Element> {
    for (let index = 0; index < this.definition.maxEntries; index++) {
      if (this.#present[index] !== 1) continue;
      this.#memory.setU32(this.#keyCell, index);
      yield { key: this.#keyCell, value: this.#value(index) };
    }
  }

  #value(index: number): number {
    return this.#storage + index * slotStride(this.definition);
  }
}
