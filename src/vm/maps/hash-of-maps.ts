/** Hash tables of maps: a hash table whose values programs never see; a lookup gives them the map. */

import type { MapDefinition } from '../../object/index.ts';
import { ENOENT } from '../../uapi/index.ts';
import type { Element, MachineMemory, MapStore, StoreEnv } from '../state/index.ts';
import { HashStore } from './hash.ts';
import type { ResolveSlot } from './slots.ts';

export class HashOfMapsStore implements MapStore {
  readonly definition: MapDefinition;
  readonly array = null;
  readonly #memory: MachineMemory;
  /** Holds the numbers of the maps. */
  readonly #hash: HashStore;
  readonly #resolve: ResolveSlot;

  constructor(env: StoreEnv, resolve: ResolveSlot) {
    this.definition = env.definition;
    this.#memory = env.memory;
    this.#hash = new HashStore(env);
    this.#resolve = resolve;
  }

  lookup(key: number): number {
    const value = this.#hash.lookup(key);
    return value === 0 ? 0 : this.#resolve(this.#memory.u32(value));
  }

  update(key: number, value: number, flags: number): number {
    if (this.#resolve(this.#memory.u32(value)) === 0) return -ENOENT;
    return this.#hash.update(key, value, flags);
  }

  remove(key: number): number {
    return this.#hash.remove(key);
  }

  elements(): Iterable<Element> {
    return this.#hash.elements();
  }
}
