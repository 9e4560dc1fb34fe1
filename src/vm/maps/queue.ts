/** Queues and stacks: values without keys. */

import { alignUp } from '../../bytes/index.ts';
import type { MapDefinition } from '../../object/index.ts';
import { BPF_ANY, BPF_EXIST, BPF_MAP_TYPE_STACK, E2BIG, EINVAL, ENOENT } from '../../uapi/index.ts';
import {
  copyBytes,
  type Element,
  type MachineMemory,
  type MapStore,
  type QueueStore,
  type StoreEnv,
} from '../state/index.ts';
import { Elements } from './elements.ts';

export function queueStride(definition: MapDefinition): number {
  return alignUp(definition.valueSize, 8);
}

/** Values are in a ring; programs only get copies of them. */
export class QueueMapStore implements MapStore, QueueStore {
  readonly definition: MapDefinition;
  readonly array = null;
  readonly queue: QueueStore = this;
  readonly #memory: MachineMemory;
  readonly #elements: Elements;
  readonly #stack: boolean;
  #oldest = 0;
  #count = 0;

  constructor(env: StoreEnv) {
    this.definition = env.definition;
    this.#memory = env.memory;
    this.#elements = new Elements(env, queueStride(env.definition), env.definition.maxEntries);
    this.#stack = env.definition.type === BPF_MAP_TYPE_STACK;
  }

  lookup(): number {
    return 0;
  }

  update(_key: number, value: number, flags: number): number {
    return this.push(value, flags);
  }

  remove(): number {
    return -EINVAL;
  }

  push(value: number, flags: number): number {
    if (flags !== BPF_ANY && flags !== BPF_EXIST) return -EINVAL;
    if (this.#count === this.definition.maxEntries) {
      if (flags !== BPF_EXIST) return -E2BIG;
      this.#dropOldest();
    }
    copyBytes(this.#memory, this.#at(this.#count), value, this.definition.valueSize);
    this.#count++;
    return 0;
  }

  pop(value: number): number {
    const result = this.peek(value);
    if (result !== 0) return result;
    if (this.#stack) this.#count--;
    else this.#dropOldest();
    return 0;
  }

  peek(value: number): number {
    const { valueSize } = this.definition;
    if (this.#count === 0) {
      this.#memory.bytes.fill(0, value, value + valueSize);
      return -ENOENT;
    }
    copyBytes(this.#memory, value, this.#at(this.#stack ? this.#count - 1 : 0), valueSize);
    return 0;
  }

  /** From the oldest to the newest. */
  *elements(): Iterable<Element> {
    for (let position = 0; position < this.#count; position++) yield { key: 0, value: this.#at(position) };
  }

  /** Address of the value that is `position` places younger than the oldest. */
  #at(position: number): number {
    return this.#elements.address((this.#oldest + position) % this.definition.maxEntries);
  }

  #dropOldest(): void {
    this.#oldest = (this.#oldest + 1) % this.definition.maxEntries;
    this.#count--;
  }
}
