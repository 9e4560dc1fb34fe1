/**
 * Arrays: plain and per-CPU, which on the machine's one CPU is the same. All elements exist from the start.
 */

import { alignUp } from '../../bytes/index.ts';
import type { MapDefinition } from '../../object/index.ts';
import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, E2BIG, EEXIST, EINVAL } from '../../uapi/index.ts';
import {
  copyBytes,
  type Element,
  type MachineMemory,
  type MapStore,
  programPermissions,
  RED_ZONE,
  type StoreEnv,
} from '../state/index.ts';

/** Distance of elements. */
export function arrayStride(definition: MapDefinition): number {
  const value = alignUp(definition.valueSize, 8);
  return definition.maxEntries === 1 ? value : value + RED_ZONE;
}

export class ArrayStore implements MapStore {
  readonly definition: MapDefinition;
  readonly array: { readonly address: number; readonly stride: number };
  readonly #memory: MachineMemory;
  readonly #keyCell: number;
  readonly #hasLock: boolean;

  constructor(env: StoreEnv) {
    this.definition = env.definition;
    this.#memory = env.memory;
    this.#keyCell = env.keyCell;
    this.#hasLock = env.hasLock;
    const stride = arrayStride(env.definition);
    this.array = { address: env.storage, stride };
    const { maxEntries, valueSize, flags } = env.definition;
    env.memory.permitElements(env.storage, maxEntries, stride, valueSize, programPermissions(flags));
  }

  lookup(key: number): number {
    const index = this.#memory.u32(key);
    return index < this.definition.maxEntries ? this.array.address + index * this.array.stride : 0;
  }

  update(key: number, value: number, flags: number): number {
    if (flags < 0 || (flags & ~BPF_F_LOCK) > BPF_EXIST) return -EINVAL;
    const target = this.lookup(key);
    if (target === 0) return -E2BIG;
    if ((flags & BPF_NOEXIST) !== 0) return -EEXIST;
    if ((flags & BPF_F_LOCK) !== 0 && !this.#hasLock) return -EINVAL;
    copyBytes(this.#memory, target, value, this.definition.valueSize);
    return 0;
  }

  remove(): number {
    return -EINVAL;
  }

  *elements(): Iterable<Element> {
    for (let index = 0; index < this.definition.maxEntries; index++) {
      this.#memory.setU32(this.#keyCell, index);
      yield { key: this.#keyCell, value: this.array.address + index * this.array.stride };
    }
  }
}
