/**
 * Ring buffers (BPF_MAP_TYPE_RINGBUF, since Linux 5.8): records that programs send to user space, in order.
 *
 * The kernel writes and user space reads, both through memory: one page with the consumer position, one with
 * the producer position, then the data mapped twice in a row, so no record is ever split. Positions only
 * grow. They are read and written atomically: on weakly ordered machines a plain load could see a position
 * before the record before it.
 */

import { quote } from '../../diag/index.ts';
import { Mapping, type PollHandle, pageSize, type Sys, syscallError } from '../sys/index.ts';
import type { BpfMap } from './map.ts';
import { Pending } from './pending.ts';
import { decodeAll, type RecordSource, recordsOf } from './records.ts';

const HEADER_SIZE = 8;
const DISCARDED = 0x40000000;
const LENGTH_MASK = 0x3fffffff;
/** Bytes after which the kernel may write again while records are passed. */
const FREED_AT_ONCE = 4096;

/** Waits for a descriptor to become readable, on the event loop; can be stopped. */
export class Readiness {
  readonly #sys: Sys;
  readonly #fds: readonly number[];
  #polls: PollHandle[] = [];
  #wake: (() => void) | undefined;

  constructor(sys: Sys, fds: readonly number[]) {
    this.#sys = sys;
    this.#fds = fds;
  }

  /**
   * Resolves when one of the descriptors is readable, or `stop()` is called. One waiter at a time. `isThere`
   * looks once more when the kernel has begun to watch: earlier data may not cause a wake-up.
   */
  wait(isThere: () => boolean = () => false): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
      const polls = this.#fds.map(fd => this.#sys.poll(fd, () => this.stop()));
      this.#polls = polls;
      // The event loop begins to watch at the start of its next poll phase. Who is woken by a descriptor asks
      // in the middle of one, and the first immediate comes before the next; the second comes after it
      // wherever we are.
      setImmediate(() =>
        setImmediate(() => {
          if (this.#polls === polls && isThere()) this.stop();
        }),
      );
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

/**
 * Reads a ring buffer. The map must stay open as long. `for await (const record of ring)` ends with
 * `close()`. Records are bytes; of a typed map (`typedMap()` of a loaded object) they are values of its type.
 */
export class RingBuffer<Item = Uint8Array> {
  readonly #control: Mapping;
  readonly #data: Mapping;
  readonly #consumer: BigInt64Array;
  readonly #producer: BigInt64Array;
  readonly #headers: Int32Array;
  readonly #size: number;
  /** Where the data begins in the mapping: after the page with the kernel's position. */
  readonly #start = pageSize();
  readonly #readiness: Readiness;
  /** What an iterator has taken out and not given out yet. */
  readonly #pending = new Pending<Uint8Array>();
  readonly #decode: (record: Uint8Array) => Item;
  #closed = false;

  constructor(source: RecordSource<Item>) {
    const { map, decode } = recordsOf(source);
    this.#decode = decode;
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

  /**
   * The available records, at most `limit`, oldest first, as copies. Never waits. Throws `value-record` for a record
   * that is too short for its type, which is left out then; those before it were returned, and those after it are next.
   */
  read(limit = Number.POSITIVE_INFINITY): Item[] {
    return decodeAll(this.#read(limit), this.#decode, this.#pending);
  }

  #read(limit: number): Uint8Array[] {
    const records: Uint8Array[] = [];
    this.drain((data, offset, length) => void records.push(data.slice(offset, offset + length)), limit);
    return records;
  }

  /**
   * Passes on the available records, at most `limit`, oldest first, in place: `data` is the whole memory of
   * the buffer and valid only until `handle` returns. Ten times as fast as copies. Returns how many there
   * were. Never waits.
   */
  drain(
    handle: (data: Uint8Array, offset: number, length: number) => void,
    limit = Number.POSITIVE_INFINITY,
  ): number {
    let count = 0;
    while (count < limit && !this.#closed) {
      const record = this.#pending.take();
      if (record === undefined) return count + this.#drain(handle, limit - count);
      count += 1;
      handle(record, 0, record.length);
    }
    return count;
  }

  /** The same of what is in the buffer. */
  #drain(handle: (data: Uint8Array, offset: number, length: number) => void, limit: number): number {
    const data = this.#data.bytes;
    const headers = this.#headers;
    const size = this.#size;
    const start = this.#start + HEADER_SIZE;
    // Positions stay below 2^53 for the lifetime of any buffer; everything in the loop is a small integer.
    const position = Number(Atomics.load(this.#consumer, 0));
    const ready = Number(Atomics.load(this.#producer, 0)) - position;
    let offset = position % size;
    let taken = 0;
    let freed = 0;
    let count = 0;
    try {
      while (taken < ready && count < limit && !this.#closed) {
        const header = Atomics.load(headers, offset >>> 2);
        if (header < 0) break; // BUSY, the highest bit
        const length = header & LENGTH_MASK;
        const step = (length + HEADER_SIZE + 7) & ~7; // a header holds less than 2^30
        const at = start + offset;
        taken += step;
        offset += step;
        if (offset >= size) offset -= size;
        if (header >= DISCARDED) continue;
        count += 1;
        handle(data, at, length);
        if (taken - freed >= FREED_AT_ONCE) {
          freed = taken;
          this.#free(position + freed);
        }
      }
    } finally {
      this.#free(position + taken);
    }
    return count;
  }

  /** Lets the kernel write again up to `position`. */
  #free(position: number): void {
    if (!this.#closed) Atomics.store(this.#consumer, 0, BigInt(position));
  }

  /** Resolves when there may be records, or the ring was closed. */
  async wait(): Promise<void> {
    if (this.#closed || !this.#pending.isEmpty) return;
    if (Atomics.load(this.#producer, 0) === Atomics.load(this.#consumer, 0)) await this.#readiness.wait();
  }

  /** Batches of available records, waiting when there are none: fewer steps than one by one. */
  async *batches(limit = 4096): AsyncGenerator<readonly Item[], void, undefined> {
    while (!this.#closed) {
      const records = this.read(limit);
      if (records.length > 0) yield records;
      else await this.#readiness.wait();
    }
  }

  /**
   * One by one. Records after the one in hand stay in the buffer only until the next 256 are taken out; what is left of
   * these when a loop ends early is given to the next one, or by `read()`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Item> {
    const step = async (): Promise<IteratorResult<Item, undefined>> => {
      for (;;) {
        const record = this.#pending.take();
        if (record !== undefined) return { done: false, value: this.#decode(record) };
        if (this.#closed) return { done: true, value: undefined };
        const records = this.#read(256);
        this.#pending.put(records);
        if (records.length === 0) await this.#readiness.wait();
      }
    };
    const iterator: AsyncIterableIterator<Item> = {
      next: step,
      return: async () => ({ done: true, value: undefined }),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Stops reading, ends what waits, and unmaps the buffer. The map stays open. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#control.close();
    this.#data.close();
    this.#readiness.stop();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
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
