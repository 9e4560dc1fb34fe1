/**
 * Hash tables: plain, per-CPU (the machine has one CPU) and LRU.
 *
 * Keys and values are in the machine's memory; chains, hashes and the order of use are beside it in typed
 * arrays, where no program can get at them. Everything is reserved at the start, so that neither memory nor
 * time of an update depends on what came before. Differs from the kernel: LRU maps evict exactly the element
 * that was used longest ago, the kernel approximates that per CPU and evicts earlier.
 */

import { alignUp, noElement } from '../../bytes/index.ts';
import type { MapDefinition } from '../../object/index.ts';
import {
  BPF_EXIST,
  BPF_F_LOCK,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
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
  programPermissions,
  RED_ZONE,
  type StoreEnv,
} from '../state/index.ts';
import { UseOrder } from './use-order.ts';

/** An element is its value, a red zone, its key. */
function keyOffset(definition: MapDefinition): number {
  return alignUp(definition.valueSize, 8) + RED_ZONE;
}

export function hashStride(definition: MapDefinition): number {
  return keyOffset(definition) + alignUp(definition.keySize, 8);
}

export class HashStore implements MapStore {
  readonly definition: MapDefinition;
  readonly array = null;
  readonly #memory: MachineMemory;
  readonly #storage: number;
  readonly #stride: number;
  readonly #keyOffset: number;
  readonly #mask: number;
  /** Element number + 1 of the first of each chain; 0 ends chains. */
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  readonly #hashes: Int32Array;
  readonly #order: UseOrder | null;
  readonly #live: Uint8Array;
  readonly #lockable: boolean;
  #free = 0;
  #used = 0;
  #count = 0;

  constructor(env: StoreEnv) {
    const { definition } = env;
    this.definition = definition;
    this.#memory = env.memory;
    this.#storage = env.storage;
    this.#stride = hashStride(definition);
    this.#keyOffset = keyOffset(definition);
    this.#lockable = env.hasLock && definition.type === BPF_MAP_TYPE_HASH;
    const buckets = 2 ** Math.ceil(Math.log2(Math.max(definition.maxEntries, 1)));
    this.#mask = buckets - 1;
    this.#heads = new Int32Array(buckets);
    this.#next = new Int32Array(definition.maxEntries + 1);
    this.#hashes = new Int32Array(definition.maxEntries + 1);
    this.#live = new Uint8Array(definition.maxEntries + 1);
    const lru = definition.type === BPF_MAP_TYPE_LRU_HASH || definition.type === BPF_MAP_TYPE_LRU_PERCPU_HASH;
    this.#order = lru ? new UseOrder(definition.maxEntries) : null;
  }

  get count(): number {
    return this.#count;
  }

  lookup(key: number): number {
    const element = this.#find(key, this.#hash(key));
    if (element === 0) return 0;
    this.#order?.touch(element);
    return this.#valueOf(element);
  }

  update(key: number, value: number, flags: number): number {
    const mode = this.#lockable ? flags & ~BPF_F_LOCK : flags;
    if (flags < 0 || mode > BPF_EXIST) return -EINVAL;
    const hash = this.#hash(key);
    let element = this.#find(key, hash);
    if (element !== 0 && mode === BPF_NOEXIST) return -EEXIST;
    if (element === 0) {
      if (mode === BPF_EXIST) return -ENOENT;
      element = this.#allocate();
      if (element === 0) return -E2BIG;
      this.#insert(element, key, hash);
    } else this.#order?.touch(element);
    copyBytes(this.#memory, this.#valueOf(element), value, this.definition.valueSize);
    return 0;
  }

  remove(key: number): number {
    const hash = this.#hash(key);
    const element = this.#find(key, hash);
    if (element === 0) return -ENOENT;
    this.#unlink(element);
    return 0;
  }

  *elements(): Iterable<Element> {
    for (let element = 1; element <= this.#used; element++) {
      if (this.#live[element] !== 1) continue;
      const value = this.#valueOf(element);
      yield { key: value + this.#keyOffset, value };
    }
  }

  #valueOf(element: number): number {
    return this.#storage + (element - 1) * this.#stride;
  }

  #hash(key: number): number {
    const { view } = this.#memory;
    const size = this.definition.keySize;
    let hash = size;
    let done = 0;
    for (; done + 4 <= size; done += 4) {
      hash = Math.imul(hash ^ view.getInt32(key + done, true), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (; done < size; done++) hash = Math.imul(hash ^ view.getUint8(key + done), 0x85ebca6b);
    hash ^= hash >>> 16;
    hash = Math.imul(hash, 0x7feb352d);
    return hash ^ (hash >>> 15);
  }

  #find(key: number, hash: number): number {
    let element = this.#heads[hash & this.#mask] ?? noElement(this.#heads, hash & this.#mask);
    while (element !== 0) {
      if (this.#hashes[element] === hash && this.#sameKey(this.#valueOf(element) + this.#keyOffset, key)) {
        return element;
      }
      element = this.#next[element] ?? noElement(this.#next, element);
    }
    return 0;
  }

  #sameKey(a: number, b: number): boolean {
    const { view } = this.#memory;
    const size = this.definition.keySize;
    let done = 0;
    for (; done + 4 <= size; done += 4) {
      if (view.getInt32(a + done, true) !== view.getInt32(b + done, true)) return false;
    }
    for (; done < size; done++) if (view.getUint8(a + done) !== view.getUint8(b + done)) return false;
    return true;
  }

  /** A free element; 0 when the table is full and evicts nothing. */
  #allocate(): number {
    if (this.#count >= this.definition.maxEntries) {
      if (this.#order === null) return 0;
      this.#unlink(this.#order.oldest());
    }
    this.#count++;
    if (this.#free !== 0) {
      const element = this.#free;
      this.#free = this.#next[element] ?? noElement(this.#next, element);
      return element;
    }
    const element = ++this.#used;
    const { valueSize, flags } = this.definition;
    this.#memory.permit(this.#valueOf(element), valueSize, programPermissions(flags));
    return element;
  }

  #insert(element: number, key: number, hash: number): void {
    copyBytes(this.#memory, this.#valueOf(element) + this.#keyOffset, key, this.definition.keySize);
    this.#hashes[element] = hash;
    this.#next[element] = this.#heads[hash & this.#mask] ?? noElement(this.#heads, hash & this.#mask);
    this.#heads[hash & this.#mask] = element;
    this.#live[element] = 1;
    this.#order?.add(element);
  }

  #unlink(element: number): void {
    const bucket = (this.#hashes[element] ?? noElement(this.#hashes, element)) & this.#mask;
    const next = this.#next[element] ?? noElement(this.#next, element);
    if (this.#heads[bucket] === element) this.#heads[bucket] = next;
    else {
      let before = this.#heads[bucket] ?? noElement(this.#heads, bucket);
      while (before !== 0 && this.#next[before] !== element)
        before = this.#next[before] ?? noElement(this.#next, before);
      this.#next[before] = next;
    }
    this.#order?.remove(element);
    this.#live[element] = 0;
    this.#next[element] = this.#free;
    this.#free = element;
    this.#count--;
  }
}
