/** A map of the machine as its user sees it: keys and values are bytes, errors are exceptions. */

import { viewOf } from '../../bytes/index.ts';
import { counted, inputError, quote, usageError } from '../../diag/index.ts';
import type { MapDefinition } from '../../object/index.ts';
import type { GlobalVariable, MachineMemory, MapStore } from '../state/index.ts';

/** A map of the machine. It looks like `BpfMap`: keys and values are copies of bytes. */
export interface MachineMap {
  readonly name: string;
  /** What maps of maps hold to name this map. */
  readonly id: number;
  readonly definition: MapDefinition;
  /** For a section of global variables: what is in its one value. */
  readonly variables: readonly GlobalVariable[] | null;
  /** The program or map that a value of a slot names; undefined in maps whose values are values. */
  nameOf(value: Uint8Array): string | undefined;
  /**
   * Elements one by one: arrays by index, others in an order that depends only on what was done to the map.
   * The key of maps without keys is empty.
   */
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** A copy of the value; undefined when there is none. */
  lookup(key: Uint8Array): Uint8Array | undefined;
  /**
   * `flags` is BPF_ANY (0), BPF_NOEXIST (1) or BPF_EXIST (2). Throws `vm-map-update` where the kernel would
   * fail.
   */
  update(key: Uint8Array, value: Uint8Array, flags?: number): void;
  /** False when there was no such element. */
  delete(key: Uint8Array): boolean;
}

/** Cells in memory for a key and a value, and a value of zeros, shared by all maps. */
export interface Scratch {
  readonly key: number;
  readonly value: number;
  readonly zeros: number;
}

export class StoreMap implements MachineMap {
  readonly name: string;
  readonly id: number;
  readonly definition: MapDefinition;
  readonly variables: readonly GlobalVariable[] | null;
  readonly #store: MapStore;
  readonly #memory: MachineMemory;
  readonly #scratch: Scratch;
  /** What the numbers in slots mean. */
  readonly #names: readonly string[] | null;

  constructor(
    id: number,
    store: MapStore,
    memory: MachineMemory,
    scratch: Scratch,
    variables: readonly GlobalVariable[] | null,
    names: readonly string[] | null,
  ) {
    this.name = store.definition.name;
    this.id = id;
    this.definition = store.definition;
    this.variables = variables;
    this.#store = store;
    this.#memory = memory;
    this.#scratch = scratch;
    this.#names = names;
  }

  nameOf(value: Uint8Array): string | undefined {
    if (this.#names === null || value.length !== 4) return undefined;
    return this.#names[viewOf(value).getUint32(0, this.#memory.order === 'little')];
  }

  *entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
    const { keySize, valueSize } = this.definition;
    for (const { key, value } of (this.#store.reader ?? this.#store).elements()) {
      yield [
        this.#memory.bytes.slice(key, key + keySize),
        this.#memory.bytes.slice(value, value + valueSize),
      ];
    }
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    this.#put(key, this.#scratch.key, this.definition.keySize, 'key');
    const value = (this.#store.reader ?? this.#store).lookup(this.#scratch.key);
    if (value === 0) return undefined;
    return this.#memory.bytes.slice(value, value + this.definition.valueSize);
  }

  update(key: Uint8Array, value: Uint8Array, flags = 0): void {
    this.#put(key, this.#scratch.key, this.definition.keySize, 'key');
    this.#put(value, this.#scratch.value, this.definition.valueSize, 'value');
    const result = this.#store.update(this.#scratch.key, this.#scratch.value, flags);
    if (result === 0) return;
    throw inputError('vm-map-update', [`map ${quote(this.name)}`], 'the update is refused', {
      errno: -result,
    });
  }

  delete(key: Uint8Array): boolean {
    this.#put(key, this.#scratch.key, this.definition.keySize, 'key');
    return this.#store.remove(this.#scratch.key) === 0;
  }

  #put(bytes: Uint8Array, address: number, size: number, what: string): void {
    if (bytes.length !== size) {
      throw usageError(
        'vm-map-size',
        `a ${what} of map ${quote(this.name)} has ${counted(size, 'byte')}, not ${bytes.length}`,
      );
    }
    this.#memory.bytes.set(bytes, address);
  }
}
