/**
 * Perf buffers (bpf_perf_event_output()): records from programs, one ring for each CPU. For kernels before
 * ring buffers, and for programs that were written for them.
 *
 * Source: perf_event_open(2), include/uapi/linux/perf_event.h.
 */

import { viewOf } from '../../bytes/index.ts';
import { usageError } from '../../diag/index.ts';
import { EINVAL, PERF_EVENT_IOC_ENABLE, PERF_FLAG_FD_CLOEXEC, PERF_TYPE_SOFTWARE } from '../../uapi/index.ts';
import { encodeU32s, Fd, Mapping, onlineCpus, pageSize, type Sys, syscallError } from '../sys/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';
import { Pending } from './pending.ts';
import { decodeAll, type RecordSource, recordsOf } from './records.ts';
import { Readiness } from './ring-buffer.ts';

/** struct perf_event_attr in its first version. */
const ATTR_SIZE = 64;
const PERF_COUNT_SW_BPF_OUTPUT = 10n;
const PERF_SAMPLE_RAW = 1024n;
/** read(2) of the event gives its value, then how many records were dropped (since Linux 6.0). */
const PERF_FORMAT_LOST = 16n;
const PERF_RECORD_LOST = 2;
const PERF_RECORD_SAMPLE = 9;
/** Offsets in struct perf_event_mmap_page. */
const DATA_HEAD = 1024;
const DATA_TAIL = 1032;

/** A record of a perf buffer, and the CPU that it was written on. */
export interface PerfRecord<Item = Uint8Array> {
  readonly cpu: number;
  readonly data: Item;
}

/** One CPU's ring. */
class CpuRing {
  readonly cpu: number;
  readonly fd: Fd;
  readonly #sys: Sys;
  readonly #mapping: Mapping;
  readonly #positions: BigInt64Array;
  readonly #size: number;
  /** Whether the kernel counts what it drops; before Linux 6.0 only records in the ring say so. */
  readonly #counts: boolean;
  /** How many records were dropped, as far as it is known. */
  #lost = 0;

  constructor(sys: Sys, cpu: number, pages: number) {
    this.cpu = cpu;
    this.#sys = sys;
    this.#size = pages * pageSize();
    const { fd, counts } = openEvent(sys, cpu);
    this.fd = fd;
    this.#counts = counts;
    const mapping = Mapping.map(sys, this.fd.number, this.#size + pageSize(), 'read-write');
    if (typeof mapping === 'number') {
      this.fd.close();
      throw syscallError('kernel-perf-buffer', [`CPU ${cpu}`], 'mapping the buffer into memory', mapping);
    }
    this.#mapping = mapping;
    this.#positions = new BigInt64Array(mapping.bytes.buffer, mapping.bytes.byteOffset, pageSize() / 8);
    sys.syscall('ioctl', this.fd.number, PERF_EVENT_IOC_ENABLE, 0);
  }

  /** Whether there are records. */
  get hasRecords(): boolean {
    return Atomics.load(this.#positions, DATA_TAIL / 8) < Atomics.load(this.#positions, DATA_HEAD / 8);
  }

  /**
   * How many records the kernel dropped so far. The ring has a record of those that were dropped only once there is room
   * for it and a program sends one more, so the number of the kernel is used where there is one.
   */
  get lost(): number {
    return this.#counts ? lostOf(this.#sys, this.fd) : this.#lost;
  }

  /** Passes on all available records. */
  read(records: PerfRecord[]): void {
    const head = Atomics.load(this.#positions, DATA_HEAD / 8);
    let tail = Atomics.load(this.#positions, DATA_TAIL / 8);
    while (tail < head) {
      const header = viewOf(this.#copy(tail, 8));
      const type = header.getUint32(0, HOST_ORDER === 'little');
      const size = header.getUint16(6, HOST_ORDER === 'little');
      if (size < 8) break;
      const body = this.#copy(tail + 8n, size - 8);
      if (type === PERF_RECORD_SAMPLE) records.push({ cpu: this.cpu, data: sampleOf(body) });
      if (type === PERF_RECORD_LOST)
        this.#lost += Number(viewOf(body).getBigUint64(8, HOST_ORDER === 'little'));
      tail += BigInt(size);
    }
    Atomics.store(this.#positions, DATA_TAIL / 8, tail);
  }

  close(): void {
    this.#mapping.close();
    this.fd.close();
  }

  /** Bytes at a position; the ring may end in between. */
  #copy(position: bigint, length: number): Uint8Array {
    const start = Number(position % BigInt(this.#size));
    const data = this.#mapping.bytes.subarray(pageSize());
    const copy = new Uint8Array(length);
    const first = Math.min(length, this.#size - start);
    copy.set(data.subarray(start, start + first));
    copy.set(data.subarray(0, length - first), first);
    return copy;
  }
}

/** `u32 size; char data[size]`, padded. */
function sampleOf(body: Uint8Array): Uint8Array {
  const size = body.length < 4 ? 0 : viewOf(body).getUint32(0, HOST_ORDER === 'little');
  return body.slice(4, 4 + Math.min(size, body.length - 4));
}

/** What the kernel counts: read(2) gives `{ u64 value, lost; }`. Throws `kernel-perf-buffer`. */
function lostOf(sys: Sys, fd: Fd): number {
  const counts = new Uint8Array(16);
  const result = sys.syscall('read', fd.number, counts, counts.length);
  if (result < 0) throw syscallError('kernel-perf-buffer', [], 'reading how much was lost', result);
  return Number(viewOf(counts).getBigUint64(8, HOST_ORDER === 'little'));
}

/** An event of a CPU, that counts what is dropped where the kernel can. */
function openEvent(sys: Sys, cpu: number): { readonly fd: Fd; readonly counts: boolean } {
  const counting = tryOpenEvent(sys, cpu, PERF_FORMAT_LOST);
  const result = counting === -EINVAL ? tryOpenEvent(sys, cpu, 0n) : counting;
  if (result < 0) throw syscallError('kernel-perf-buffer', [`CPU ${cpu}`], 'opening the event', result);
  return { fd: Fd.adopt(sys, result), counts: result === counting };
}

function tryOpenEvent(sys: Sys, cpu: number, readFormat: bigint): number {
  const attr = new Uint8Array(ATTR_SIZE);
  const view = viewOf(attr);
  const little = HOST_ORDER === 'little';
  view.setUint32(0, PERF_TYPE_SOFTWARE, little);
  view.setUint32(4, ATTR_SIZE, little);
  view.setBigUint64(8, PERF_COUNT_SW_BPF_OUTPUT, little);
  view.setBigUint64(16, 1n, little); // sample period
  view.setBigUint64(24, PERF_SAMPLE_RAW, little);
  view.setBigUint64(32, readFormat, little);
  view.setUint32(48, 1, little); // wake-up after each event
  return sys.syscall('perf_event_open', attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/**
 * Reads the buffers of a perf event array. `for await (const record of buffer)` ends with `close()`. Data are bytes; of a
 * typed map (`typedMap()` of a loaded object) they are values of its type.
 */
export class PerfBuffer<Item = Uint8Array> {
  readonly #rings: readonly CpuRing[];
  readonly #readiness: Readiness;
  /** What an iterator has read and not given out yet. */
  readonly #pending = new Pending<PerfRecord>();
  /** How many were dropped, once the buffer is closed. */
  #lost: number | null = null;
  readonly #decode: (record: PerfRecord) => PerfRecord<Item>;

  /** `pages` for each CPU, a power of two. */
  constructor(source: RecordSource<Item>, pages = 16) {
    const { map, decode } = recordsOf(source);
    this.#decode = ({ cpu, data }) => ({ cpu, data: decode(data) });
    if (pages < 1 || !Number.isInteger(Math.log2(pages))) {
      throw usageError('kernel-perf-pages', `${pages} pages are not a power of two`);
    }
    const rings: CpuRing[] = [];
    try {
      for (const cpu of onlineCpus()) {
        if (cpu >= map.maxEntries) continue;
        const ring = new CpuRing(map.sys, cpu, pages);
        rings.push(ring);
        map.update(encodeU32s([cpu]), encodeU32s([ring.fd.number]));
      }
    } catch (error) {
      for (const ring of rings) ring.close();
      throw error;
    }
    this.#rings = rings;
    this.#readiness = new Readiness(
      map.sys,
      rings.map(ring => ring.fd.number),
    );
  }

  /**
   * How many records the kernel dropped because they were not read in time: with those that were read, all that programs
   * sent. Before Linux 6.0 the last ones are missing until there is room and a program sends another record.
   */
  get lost(): number {
    return this.#lost ?? this.#rings.reduce((total, { lost }) => total + lost, 0);
  }

  get #closed(): boolean {
    return this.#lost !== null;
  }

  /** The available records, CPU by CPU. Never waits. Throws as `RingBuffer.read()`. */
  read(): PerfRecord<Item>[] {
    return decodeAll(this.#read(), this.#decode, this.#pending);
  }

  #read(): PerfRecord[] {
    if (this.#closed) return [];
    const records = this.#pending.takeAll();
    for (const ring of this.#rings) ring.read(records);
    return records;
  }

  /** Records as they come, until `close()`. What is left when a loop ends early is read by the next one, or by `read()`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<PerfRecord<Item>, void, undefined> {
    for (;;) {
      for (let record = this.#pending.take(); record !== undefined; record = this.#pending.take())
        yield this.#decode(record);
      if (this.#closed) return;
      const records = this.#read();
      this.#pending.put(records);
      // perf_poll() forgets that it was woken whenever it is asked, and it is asked first when watching
      // begins
      if (records.length === 0)
        await this.#readiness.wait(() => !this.#closed && this.#rings.some(ring => ring.hasRecords));
    }
  }

  /** Stops reading, ends what waits, and unmaps the buffer. The map stays open. */
  close(): void {
    if (this.#closed) return;
    this.#lost = this.lost;
    for (const ring of this.#rings) ring.close();
    this.#readiness.stop();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
