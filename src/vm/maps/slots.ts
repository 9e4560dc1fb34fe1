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
  type ArrayPlace,
  copyBytes,
  type Element,
  type MachineMemory,
  type MapStore,
  READ,
  RED_ZONE,
  type StoreEnv,
} from '../state/index.ts';
import { Elements } from './elements.ts';

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
  readonly array: ArrayPlace | null;
  readonly #memory: MachineMemory;
  readonly #elements: Elements;
  readonly #keyCell: number;
  readonly #resolve: ResolveSlot;
  /** What update was given, for reading back. */
  readonly #numbers = new Map<number, number>();

  constructor(env: StoreEnv, resolve: ResolveSlot) {
    this.definition = env.definition;
    this.#memory = env.memory;
    this.#elements = new Elements(env, slotStride(env.definition), env.definition.maxEntries);
    this.#keyCell = env.keyCell;
    this.#resolve = resolve;
    this.array = env.definition.type === BPF_MAP_TYPE_PROG_ARRAY ? this.#elements.place : null;
  }

  lookup(key: number): number {
    const index = this.#memory.u32(key);
    return this.definition.type === BPF_MAP_TYPE_PROG_ARRAY ? 0 : this.slot(index);
  }

  /** What the slot at that index holds; 0 for nothing, also outside of the array. */
  slot(index: number): number {
    if (index >= this.definition.maxEntries) return 0;
    const at = this.#elements.known(index);
    return at === 0 ? 0 : this.#memory.view.getUint32(at, true);
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
    this.#memory.view.setUint32(this.#elements.address(index), slot, true);
    this.#numbers.set(index, number);
    return 0;
  }

  remove(key: number): number {
    const index = this.#memory.u32(key);
    if (index >= this.definition.maxEntries) return -E2BIG;
    if (!this.#numbers.delete(index)) return -ENOENT;
    this.#memory.view.setUint32(this.#elements.address(index), 0, true);
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
}

/** Device, CPU and socket maps: a value is there or not; programs may read it. */
export class SparseArrayStore implements MapStore {
  readonly definition: MapDefinition;
  readonly array = null;
  readonly #memory: MachineMemory;
  readonly #elements: Elements;
  readonly #keyCell: number;

  constructor(env: StoreEnv) {
    this.definition = env.definition;
    this.#memory = env.memory;
    this.#elements = new Elements(env, slotStride(env.definition), env.definition.maxEntries);
    this.#keyCell = env.keyCell;
  }

  lookup(key: number): number {
    return this.#present(this.#memory.u32(key));
  }

  update(key: number, value: number, flags: number): number {
    const index = this.#memory.u32(key);
    if (flags < 0 || flags > BPF_EXIST) return -EINVAL;
    if (index >= this.definition.maxEntries) return -E2BIG;
    if (flags === BPF_NOEXIST) return -EEXIST;
    const at = this.#elements.address(index);
    copyBytes(this.#memory, at, value, this.definition.valueSize);
    this.#memory.permit(at, this.definition.valueSize, READ);
    this.#memory.setU8(this.#flag(at), 1);
    return 0;
  }

  remove(key: number): number {
    const index = this.#memory.u32(key);
    if (index >= this.definition.maxEntries) return -EINVAL;
    const at = this.#elements.known(index);
    if (at !== 0) this.#memory.setU8(this.#flag(at), 0);
    return 0;
  }

  *elements(): Iterable<Element> {
    for (const index of this.#elements.indexes(this.definition.maxEntries)) {
      const value = this.#present(index);
      if (value === 0) continue;
      this.#memory.setU32(this.#keyCell, index);
      yield { key: this.#keyCell, value };
    }
  }

  /** Address of the value at an index; 0 when there is none. */
  #present(index: number): number {
    if (index >= this.definition.maxEntries) return 0;
    const at = this.#elements.known(index);
    return at !== 0 && this.#memory.u8(this.#flag(at)) === 1 ? at : 0;
  }

  /** Whether a value is there is in the first byte after it, which programs cannot access. */
  #flag(value: number): number {
    return value + alignUp(this.definition.valueSize, 8);
  }
}
