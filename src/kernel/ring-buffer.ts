/**
 * Ring buffers (BPF_MAP_TYPE_RINGBUF, since Linux 5.8): records that programs send to user space, in order.
 *
 * The kernel writes, we read, both through memory: one page with our position, then one with the kernel's, then the
 * data twice in a row, so that no record is ever cut. Positions only grow. They are read and written atomically: on
 * weakly ordered machines a plain load could see a position before the record in front of it.
 */

import { alignUp } from '../bytes/index.ts';
import { quote } from '../diag/index.ts';
import { syscallError } from './errno.ts';
import { pageSize } from './machine.ts';
import type { BpfMap } from './map.ts';
import { Mapping, type PollHandle, type Sys } from './sys.ts';

const HEADER_SIZE = 8;
const BUSY = 0x80000000;
const DISCARDED = 0x40000000;
const LENGTH_MASK = 0x3fffffff;

/** Waits for a descriptor to become readable, on the event loop; ends early when told to. */
export class Readiness {
  readonly #sys: Sys;
  readonly #fds: readonly number[];
  #polls: PollHandle[] = [];
  #wake: (() => void) | undefined;

  constructor(sys: Sys, fds: readonly number[]) {
    this.#sys = sys;
    this.#fds = fds;
  }

  /** Resolves when one of the descriptors is readable, or `stop()` is called. One waiter at a time. */
  wait(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
      this.#polls = this.#fds.map(fd => this.#sys.poll(fd, () => this.stop()));
    });
  }

  /** Ends the wait. */
  stop(): void {
    for (const poll of this.#polls) poll.close();
    this.#polls = [];
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** Reads a ring buffer. The map must stay open as long. `for await (const record of ring)` ends with `close()`. */
export class RingBuffer {
  readonly #control: Mapping;
  readonly #data: Mapping;
  readonly #consumer: BigInt64Array;
  readonly #producer: BigInt64Array;
  readonly #headers: Int32Array;
  readonly #size: number;
  readonly #readiness: Readiness;
  #closed = false;

  constructor(map: BpfMap) {
    const page = pageSize();
    this.#size = map.maxEntries;
    this.#control = mapOrThrow(map, page, 'read-write', 0);
    try {
      this.#data = mapOrThrow(map, page + 2 * this.#size, 'read', page);
    } catch (error) {
      this.#control.close();
      throw error;
    }
    this.#consumer = new BigInt64Array(this.#control.bytes.buffer, this.#control.bytes.byteOffset, 1);
    this.#producer = new BigInt64Array(this.#data.bytes.buffer, this.#data.bytes.byteOffset, 1);
    this.#headers = new Int32Array(
      this.#data.bytes.buffer,
      this.#data.bytes.byteOffset + page,
      this.#size / 2,
    );
    this.#readiness = new Readiness(map.sys, [map.fd.number]);
  }

  /** Records that are there now, at most `limit`, oldest first. Never waits. */
  read(limit = Number.POSITIVE_INFINITY): Uint8Array[] {
    const records: Uint8Array[] = [];
    if (this.#closed) return records;
    let position = Atomics.load(this.#consumer, 0);
    const end = Atomics.load(this.#producer, 0);
    while (position < end && records.length < limit) {
      const offset = Number(position % BigInt(this.#size));
      const header = Atomics.load(this.#headers, offset / 4) >>> 0;
      if (header >= BUSY) break;
      const length = header & LENGTH_MASK;
      if (header < DISCARDED) records.push(this.#copy(offset + HEADER_SIZE, length));
      position += BigInt(alignUp(HEADER_SIZE + length, 8));
      Atomics.store(this.#consumer, 0, position);
    }
    return records;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    while (!this.#closed) {
      const records = this.read(256);
      yield* records;
      if (records.length === 0) await this.#readiness.wait();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#control.close();
    this.#data.close();
    this.#readiness.stop();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #copy(offset: number, length: number): Uint8Array {
    const start = pageSize() + offset;
    return this.#data.bytes.slice(start, start + length);
  }
}

function mapOrThrow(map: BpfMap, length: number, access: 'read' | 'read-write', offset: number): Mapping {
  const mapping = Mapping.map(map.sys, map.fd.number, length, access, offset);
  if (typeof mapping === 'number') {
    throw syscallError(
      'kernel-ring-buffer',
      [`map ${quote(map.name)}`],
      'mapping the buffer into memory',
      mapping,
    );
  }
  return mapping;
}
