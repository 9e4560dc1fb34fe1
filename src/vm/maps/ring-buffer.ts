/**
 * Ring buffers. A reader is assumed that keeps up: what a run has put in is taken out when the run ends, so
 * that each run finds the whole ring free, and records never wrap.
 */

import { alignUp } from '../../bytes/index.ts';
import type { MapDefinition } from '../../object/index.ts';
import { EINVAL } from '../../uapi/index.ts';
import {
  type Element,
  type MachineMemory,
  type MapStore,
  READ,
  type StoreEnv,
  WRITE,
} from '../state/index.ts';

/** Bytes before each record: its length and flags, and the page offset. */
const HEADER = 8;

type Reserved = { readonly at: number; readonly size: number; state: 'open' | 'submitted' | 'discarded' };

export class RingBufferStore implements MapStore {
  readonly definition: MapDefinition;
  readonly array = null;
  readonly #memory: MachineMemory;
  readonly #storage: number;
  readonly #records: Reserved[] = [];
  #end = 0;

  constructor(env: StoreEnv) {
    this.definition = env.definition;
    this.#memory = env.memory;
    this.#storage = env.storage;
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
    const at = this.#storage + this.#end + HEADER;
    this.#end += total;
    this.#records.push({ at, size, state: 'open' });
    this.#memory.permit(at, size, READ | WRITE);
    return at;
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
    this.#end = 0;
  }
}
