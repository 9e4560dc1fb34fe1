/**
 * Where the elements of a map are: in one block that was reserved for all of them, or in chunks that are
 * taken from the heap when an element in them is first used. An address never changes.
 *
 * A table has the address of each chunk, 0 for one that does not exist yet. It is in the machine's memory,
 * so that compiled code finds elements of arrays without a call.
 */

import { noElement } from '../../bytes/index.ts';
import type { MapDefinition } from '../../object/index.ts';
import { type ArrayPlace, type Heap, type MachineMemory, REGION_GAP, type StoreEnv } from '../state/index.ts';

/** Most bytes of a chunk, unless one element is larger. */
const CHUNK_BYTES = 0x10000;
/** A shift by which every index of a reserved block becomes 0. */
const ONE_CHUNK = 31;

/** Number of bits of an index that are the position in a chunk. */
export function chunkShift(stride: number): number {
  return Math.max(0, Math.floor(Math.log2(CHUNK_BYTES / Math.max(stride, 1))));
}

/** Bytes of the table of chunks of `count` elements. */
export function chunkTableSize(stride: number, count: number): number {
  return Math.ceil(count / 2 ** chunkShift(stride)) * 4;
}

/** Bytes of the heap that `count` elements take when all of them are used. */
export function chunkReach(stride: number, count: number): number {
  const perChunk = 2 ** chunkShift(stride);
  return Math.ceil(count / perChunk) * (perChunk * stride + REGION_GAP + 64);
}

/** What a map does to a block of `count` elements before one of them is used. */
export type PrepareChunk = (start: number, count: number) => void;

export class Elements {
  /** Where compiled code finds the elements. */
  readonly place: ArrayPlace;
  readonly #definition: MapDefinition;
  readonly #heap: Heap;
  readonly #stride: number;
  readonly #shift: number;
  readonly #mask: number;
  readonly #table: Int32Array;
  readonly #prepare: PrepareChunk;

  /** `prepare` is called for each chunk, and for the reserved block, before an element in it is used. */
  constructor(env: StoreEnv, stride: number, count: number, prepare: PrepareChunk = () => {}) {
    const { storage, heap } = env;
    this.#definition = env.definition;
    this.#heap = heap;
    this.#stride = stride;
    this.#prepare = prepare;
    if (storage.kind === 'reserved') {
      this.#shift = ONE_CHUNK;
      this.#mask = 2 ** ONE_CHUNK - 1;
      this.#table = Int32Array.of(storage.address);
      this.place = { kind: 'reserved', address: storage.address, stride };
      prepare(storage.address, count);
    } else {
      this.#shift = chunkShift(stride);
      this.#mask = 2 ** this.#shift - 1;
      this.#table = tableAt(heap.memory, storage.table, chunkTableSize(stride, count) / 4);
      this.place = { kind: 'chunks', table: storage.table, shift: this.#shift, stride };
    }
  }

  /** Address of an element, which gets memory if it has none. Throws `vm-memory-limit`. */
  address(index: number): number {
    const chunk = index >>> this.#shift;
    const start = this.#table[chunk] ?? noElement(this.#table, chunk);
    return (start === 0 ? this.#take(chunk) : start) + (index & this.#mask) * this.#stride;
  }

  /** Address of an element; 0 when it has no memory yet, so that it is all zeros. */
  known(index: number): number {
    const chunk = index >>> this.#shift;
    const start = this.#table[chunk] ?? noElement(this.#table, chunk);
    return start === 0 ? 0 : start + (index & this.#mask) * this.#stride;
  }

  /** Indexes below `count` of elements that have memory. */
  *indexes(count: number): Iterable<number> {
    const perChunk = 2 ** this.#shift;
    for (let chunk = 0; chunk < this.#table.length; chunk++) {
      if (this.#table[chunk] === 0) continue;
      const end = Math.min(count, (chunk + 1) * perChunk);
      for (let index = chunk * perChunk; index < end; index++) yield index;
    }
  }

  #take(chunk: number): number {
    const count = 2 ** this.#shift;
    const { name, valueSize } = this.#definition;
    const details = { stride: this.#stride, elementSize: valueSize };
    const start = this.#heap.take(name, count * this.#stride, details);
    this.#prepare(start, count);
    this.#table[chunk] = start;
    return start;
  }
}

function tableAt(memory: MachineMemory, address: number, chunks: number): Int32Array {
  return new Int32Array(memory.wasm.buffer, address, chunks);
}
