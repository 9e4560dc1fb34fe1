/**
 * Arrays: plain and per-CPU, which on the machine's one CPU is the same. All elements exist from the start;
 * those of large arrays take memory when they are first used.
 */

import { alignUp } from '../../bytes/index.ts';
import type { MapDefinition } from '../../object/index.ts';
import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, E2BIG, EEXIST, EINVAL } from '../../uapi/index.ts';
import {
  type ArrayPlace,
  copyBytes,
  type Element,
  type MachineMemory,
  type MapStore,
  programPermissions,
  RED_ZONE,
  type StoreEnv,
} from '../state/index.ts';
import { Elements } from './elements.ts';

/** Distance of elements. */
export function arrayStride(definition: MapDefinition): number {
  const value = alignUp(definition.valueSize, 8);
  return definition.maxEntries === 1 ? value : value + RED_ZONE;
}

export class ArrayStore implements MapStore {
  readonly definition: MapDefinition;
  readonly array: ArrayPlace;
  readonly reader: Pick<MapStore, 'lookup' | 'elements'>;
  readonly #memory: MachineMemory;
  readonly #keyCell: number;
  readonly #hasLock: boolean;
  readonly #elements: Elements;

  constructor(env: StoreEnv) {
    this.definition = env.definition;
    this.#memory = env.memory;
    this.#keyCell = env.keyCell;
    this.#hasLock = env.hasLock;
    const stride = arrayStride(env.definition);
    const { maxEntries, valueSize, flags } = env.definition;
    this.#elements = new Elements(env, stride, maxEntries, (start, count) =>
      env.memory.permitElements(start, count, stride, valueSize, programPermissions(flags)),
    );
    this.array = this.#elements.place;
    const known = (index: number) => this.#elements.known(index) || env.zeros;
    this.reader = {
      lookup: key => this.#find(key, known),
      elements: () => this.#walk(known),
    };
  }

  lookup(key: number): number {
    const index = this.#memory.u32(key);
    return index < this.definition.maxEntries ? this.#elements.address(index) : 0;
  }

  update(key: number, value: number, flags: number): number {
    if (flags < 0 || (flags & ~BPF_F_LOCK) > BPF_EXIST) return -EINVAL;
    if (this.#memory.u32(key) >= this.definition.maxEntries) return -E2BIG;
    if ((flags & BPF_NOEXIST) !== 0) return -EEXIST;
    if ((flags & BPF_F_LOCK) !== 0 && !this.#hasLock) return -EINVAL;
    copyBytes(this.#memory, this.lookup(key), value, this.definition.valueSize);
    return 0;
  }

  remove(): number {
    return -EINVAL;
  }

  elements(): Iterable<Element> {
    return this.#walk(index => this.#elements.address(index));
  }

  #find(key: number, place: (index: number) => number): number {
    const index = this.#memory.u32(key);
    return index < this.definition.maxEntries ? place(index) : 0;
  }

  *#walk(place: (index: number) => number): Iterable<Element> {
    for (let index = 0; index < this.definition.maxEntries; index++) {
      this.#memory.setU32(this.#keyCell, index);
      yield { key: this.#keyCell, value: place(index) };
    }
  }
}
