/**
 * Bloom filters, kept as an exact set: unlike the kernel's they never say yes to a value that was not added.
 */

import type { MapDefinition } from '../../object/index.ts';
import { BPF_ANY, EINVAL, ENOENT } from '../../uapi/index.ts';
import type { Element, MachineMemory, MapStore, QueueStore, StoreEnv } from '../state/index.ts';

export class BloomStore implements MapStore, QueueStore {
  readonly definition: MapDefinition;
  readonly array = null;
  readonly queue: QueueStore = this;
  readonly #memory: MachineMemory;
  readonly #values = new Set<string>();

  constructor(env: StoreEnv) {
    this.definition = env.definition;
    this.#memory = env.memory;
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
    if (flags !== BPF_ANY) return -EINVAL;
    this.#values.add(this.#textOf(value));
    return 0;
  }

  pop(): number {
    return -EINVAL;
  }

  peek(value: number): number {
    return this.#values.has(this.#textOf(value)) ? 0 : -ENOENT;
  }

  elements(): Iterable<Element> {
    return [];
  }

  #textOf(value: number): string {
    return String.fromCharCode(...this.#memory.bytes.subarray(value, value + this.definition.valueSize));
  }
}
