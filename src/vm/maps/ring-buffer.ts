/**
 * Ring buffers. A reader is assumed that keeps up: what a run has put in is taken out when the run ends, so
 * that each run finds the whole ring free, and records never wrap.
 *
 * The records of a large ring are in segments of the heap, each at least twice as long as the one before it,
 * so that a ring of which little is used takes little memory.
 */

import { alignUp } from '../../bytes/index.ts';
import type { MapDefinition } from '../../object/index.ts';
import { EINVAL } from '../../uapi/index.ts';
import {
  type Element,
  type Heap,
  type MachineMemory,
  type MapStore,
  READ,
  REGION_GAP,
  type StoreEnv,
  WRITE,
} from '../state/index.ts';

/** Bytes before each record: its length and flags, and the page offset. */
const HEADER = 8;

/** Bytes of the first segment of a large ring, unless a record is longer. */
const FIRST_SEGMENT = 0x10000;

/** Bytes of the heap that the ring takes at most. */
export function ringReach(definition: MapDefinition): number {
  return definition.maxEntries * 2 + 32 * (REGION_GAP + 64);
}

interface Segment {
  readonly start: number;
  readonly size: number;
}

type Reserved = { readonly at: number; readonly size: number; state: 'open' | 'submitted' | 'discarded' };

export class RingBufferStore implements MapStore {
  readonly definition: MapDefinition;
  readonly array = null;
  readonly #memory: MachineMemory;
  readonly #heap: Heap;
  readonly #segments: Segment[] = [];
  readonly #records: Reserved[] = [];
  /** Segment and position in it that the next record goes to. */
  #segment = 0;
  #position = 0;
  #end = 0;

  constructor(env: StoreEnv) {
    this.definition = env.definition;
    this.#memory = env.memory;
    this.#heap = env.heap;
    if (env.storage.kind === 'reserved') {
      this.#segments.push({ start: env.storage.address, size: env.definition.maxEntries });
    }
  }

  lookup(): number {
    return 0;
  }

  update(): number {
    return -EINVAL;
  }

  remove(): number {
    return -EINVAL;
  }

  elements(): Iterable<Element> {
    return [];
  }

  /** Bytes of the ring. */
  get size(): number {
    return this.definition.maxEntries;
  }

  /** Bytes that a reader has not taken yet. */
  get available(): number {
    return this.#end;
  }

  /** Address of a new record of that size; 0 when the ring has no room for it. */
  reserve(size: number): number {
    const total = alignUp(size + HEADER, 8);
    if (this.#end + total >= this.size) return 0; // as in the kernel, the ring is never quite full
    const at = this.#place(total) + HEADER;
    this.#end += total;
    this.#records.push({ at, size, state: 'open' });
    this.#memory.permit(at, size, READ | WRITE);
    return at;
  }

  /** Address of `bytes` that are free; takes a further segment when no other has that many left. */
  #place(bytes: number): number {
    let segment = this.#segments[this.#segment];
    while (segment !== undefined && this.#position + bytes > segment.size) {
      segment = this.#segments[++this.#segment];
      this.#position = 0;
    }
    const { start } = segment ?? this.#addSegment(bytes);
    const at = start + this.#position;
    this.#position += bytes;
    return at;
  }

  #addSegment(bytes: number): Segment {
    const last = this.#segments.at(-1);
    const wanted = Math.max(bytes, last === undefined ? FIRST_SEGMENT : last.size * 2);
    const size = Math.min(wanted, this.size);
    const details = { stride: size, elementSize: size };
    const segment = { start: this.#heap.take(this.definition.name, size, details), size };
    this.#segments.push(segment);
    return segment;
  }

  /** Ends a record; false when no open one is there. */
  finish(at: number, discard: boolean): boolean {
    const record = this.#records.findLast(candidate => candidate.at === at && candidate.state === 'open');
    if (record === undefined) return false;
    record.state = discard ? 'discarded' : 'submitted';
    this.#memory.permit(at, record.size, 0);
    return true;
  }

  /** Takes out all finished records, oldest first. Call between runs. */
  drain(take: (record: Uint8Array) => void): void {
    if (this.#end === 0) return;
    for (const { at, size, state } of this.#records) {
      if (state === 'submitted') take(this.#memory.bytes.slice(at, at + size));
      else if (state === 'open') this.#memory.permit(at, size, 0);
    }
    this.#records.length = 0;
    this.#segment = 0;
    this.#position = 0;
    this.#end = 0;
  }
}
