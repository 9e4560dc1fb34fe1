/**
 * Hash tables: plain, per-CPU (the machine has one CPU) and LRU.
 *
 * Keys and values are in the machine's memory; chains, hashes and the order of use are beside it in typed
 * arrays, where no program can get at them. These arrays grow with the number of elements. Keys that crowd are hashed
 * with a key that no program can foresee, as the kernel hashes all of them; where elements are does not depend on it. Differs from the kernel: LRU maps evict exactly the element
 * that was used longest ago, the kernel approximates that per CPU and evicts earlier.
 */

import { alignUp, noElement } from '../../bytes/index.ts';
import { CROWD, drawKey, hashOfSum, withBytes } from '../../image/index.ts';
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
import { Elements } from './elements.ts';
import { grown } from './grown.ts';
import { UseOrder } from './use-order.ts';

/** Elements that the typed arrays of a table have room for at first; doubled whenever more are needed. */
const FIRST_CAPACITY = 4096;

function bucketsFor(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(capacity, 1)));
}

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
  readonly #elements: Elements;
  /** Address of the block of all elements, 0 without one; kept here because each lookup needs it. */
  readonly #block: number;
  readonly #stride: number;
  readonly #keyOffset: number;
  #mask: number;
  /** Element number + 1 of the first of each chain; 0 ends chains. */
  #heads: Int32Array;
  #next: Int32Array;
  #hashes: Int32Array;
  readonly #order: UseOrder | null;
  #live: Uint8Array;
  /** Elements that the typed arrays have room for. */
  #capacity: number;
  readonly #lockable: boolean;
  /** Of hashes; 0: none is needed. */
  #key = 0;
  #free = 0;
  #used = 0;
  #count = 0;

  constructor(env: StoreEnv) {
    const { definition } = env;
    this.definition = definition;
    this.#memory = env.memory;
    this.#stride = hashStride(definition);
    this.#elements = new Elements(env, this.#stride, definition.maxEntries);
    this.#block = env.storage.kind === 'reserved' ? env.storage.address : 0;
    this.#keyOffset = keyOffset(definition);
    this.#lockable = env.hasLock && definition.type === BPF_MAP_TYPE_HASH;
    this.#capacity = Math.min(definition.maxEntries, FIRST_CAPACITY);
    this.#heads = new Int32Array(bucketsFor(this.#capacity));
    this.#mask = this.#heads.length - 1;
    this.#next = new Int32Array(this.#capacity + 1);
    this.#hashes = new Int32Array(this.#capacity + 1);
    this.#live = new Uint8Array(this.#capacity + 1);
    const lru = definition.type === BPF_MAP_TYPE_LRU_HASH || definition.type === BPF_MAP_TYPE_LRU_PERCPU_HASH;
    this.#order = lru ? new UseOrder(this.#capacity) : null;
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
    let element = this.#find(key, this.#hash(key));
    if (element !== 0 && mode === BPF_NOEXIST) return -EEXIST;
    if (element === 0) {
      if (mode === BPF_EXIST) return -ENOENT;
      element = this.#allocate();
      if (element === 0) return -E2BIG;
      this.#insert(element, key, this.#hash(key));
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
    if (this.#block !== 0) return this.#block + (element - 1) * this.#stride;
    return this.#elements.address(element - 1);
  }

  #hash(key: number): number {
    const { view } = this.#memory;
    const size = this.definition.keySize;
    if (this.#key !== 0) return hashOfSum(withBytes(0, this.#memory.bytes, key, size, this.#key));
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
    for (let steps = 0; element !== 0; steps++) {
      if (this.#hashes[element] === hash && this.#sameKey(this.#valueOf(element) + this.#keyOffset, key)) {
        return element;
      }
      if (steps === CROWD && this.#key === 0) return this.#findKeyed(key);
      element = this.#next[element] ?? noElement(this.#next, element);
    }
    return 0;
  }

  /** All elements get other hashes. */
  #findKeyed(key: number): number {
    this.#key = drawKey();
    this.#heads.fill(0);
    for (let element = 1; element <= this.#used; element++) {
      if (this.#live[element] !== 1) continue;
      this.#hashes[element] = this.#hash(this.#valueOf(element) + this.#keyOffset);
      this.#chain(element);
    }
    return this.#find(key, this.#hash(key));
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
    if (this.#free !== 0) {
      const element = this.#free;
      this.#free = this.#next[element] ?? noElement(this.#next, element);
      this.#count++;
      return element;
    }
    const element = this.#used + 1;
    const { valueSize, flags } = this.definition;
    this.#memory.permit(this.#valueOf(element), valueSize, programPermissions(flags));
    if (element > this.#capacity) this.#grow();
    this.#used = element;
    this.#count++;
    return element;
  }

  /** Called when all elements are live: otherwise a free one would have been taken. */
  #grow(): void {
    this.#capacity = Math.min(this.definition.maxEntries, this.#capacity * 2);
    this.#next = grown(this.#next, this.#capacity + 1);
    this.#hashes = grown(this.#hashes, this.#capacity + 1);
    const live = new Uint8Array(this.#capacity + 1);
    live.set(this.#live);
    this.#live = live;
    this.#order?.grow(this.#capacity);
    this.#heads = new Int32Array(bucketsFor(this.#capacity));
    this.#mask = this.#heads.length - 1;
    for (let element = 1; element <= this.#used; element++) this.#chain(element);
  }

  /** Puts an element first in the chain of its hash. */
  #chain(element: number): void {
    const bucket = (this.#hashes[element] ?? noElement(this.#hashes, element)) & this.#mask;
    this.#next[element] = this.#heads[bucket] ?? noElement(this.#heads, bucket);
    this.#heads[bucket] = element;
  }

  #insert(element: number, key: number, hash: number): void {
    copyBytes(this.#memory, this.#valueOf(element) + this.#keyOffset, key, this.definition.keySize);
    this.#hashes[element] = hash;
    this.#chain(element);
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
