/**
 * Perf buffers (bpf_perf_event_output()): records from programs, one ring for each CPU. For kernels before
 * ring buffers, and for programs that were written for them.
 *
 * Source: perf_event_open(2), include/uapi/linux/perf_event.h.
 */

import { viewOf } from '../../bytes/index.ts';
import { usageError } from '../../diag/index.ts';
import { PERF_EVENT_IOC_ENABLE, PERF_FLAG_FD_CLOEXEC, PERF_TYPE_SOFTWARE } from '../../uapi/index.ts';
import { encodeU32s, Fd, Mapping, onlineCpus, pageSize, type Sys, syscallError } from '../sys/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';
import type { BpfMap } from './map.ts';
import { Readiness } from './ring-buffer.ts';

/** struct perf_event_attr in its first version. */
const ATTR_SIZE = 64;
const PERF_COUNT_SW_BPF_OUTPUT = 10n;
const PERF_SAMPLE_RAW = 1024n;
const PERF_RECORD_LOST = 2;
const PERF_RECORD_SAMPLE = 9;
/** Offsets in struct perf_event_mmap_page. */
const DATA_HEAD = 1024;
const DATA_TAIL = 1032;

/** A record of a perf buffer, and the CPU that it was written on. */
export interface PerfRecord {
  readonly cpu: number;
  readonly data: Uint8Array;
}

/** One CPU's ring. */
class CpuRing {
  readonly cpu: number;
  readonly fd: Fd;
  readonly #mapping: Mapping;
  readonly #positions: BigInt64Array;
  readonly #size: number;

  constructor(sys: Sys, cpu: number, pages: number) {
    this.cpu = cpu;
    this.#size = pages * pageSize();
    this.fd = openEvent(sys, cpu);
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

  /** Passes on all available records; returns how many the kernel dropped. */
  read(records: PerfRecord[]): number {
    const head = Atomics.load(this.#positions, DATA_HEAD / 8);
    let tail = Atomics.load(this.#positions, DATA_TAIL / 8);
    let lost = 0;
    while (tail < head) {
      const header = viewOf(this.#copy(tail, 8));
      const type = header.getUint32(0, HOST_ORDER === 'little');
      const size = header.getUint16(6, HOST_ORDER === 'little');
      if (size < 8) break;
      const body = this.#copy(tail + 8n, size - 8);
      if (type === PERF_RECORD_SAMPLE) records.push({ cpu: this.cpu, data: sampleOf(body) });
      if (type === PERF_RECORD_LOST) lost += Number(viewOf(body).getBigUint64(8, HOST_ORDER === 'little'));
      tail += BigInt(size);
    }
    Atomics.store(this.#positions, DATA_TAIL / 8, tail);
    return lost;
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

function openEvent(sys: Sys, cpu: number): Fd {
  const attr = new Uint8Array(ATTR_SIZE);
  const view = viewOf(attr);
  const little = HOST_ORDER === 'little';
  view.setUint32(0, PERF_TYPE_SOFTWARE, little);
  view.setUint32(4, ATTR_SIZE, little);
  view.setBigUint64(8, PERF_COUNT_SW_BPF_OUTPUT, little);
  view.setBigUint64(16, 1n, little); // sample period
  view.setBigUint64(24, PERF_SAMPLE_RAW, little);
  view.setUint32(48, 1, little); // wake-up after each event
  const result = sys.syscall('perf_event_open', attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  if (result < 0) throw syscallError('kernel-perf-buffer', [`CPU ${cpu}`], 'opening the event', result);
  return Fd.adopt(sys, result);
}

/** Reads the buffers of a perf event array. `for await (const record of buffer)` ends with `close()`. */
export class PerfBuffer {
  readonly #rings: readonly CpuRing[];
  readonly #readiness: Readiness;
  #lost = 0;
  #closed = false;

  /** `pages` for each CPU, a power of two. */
  constructor(map: BpfMap, pages = 16) {
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

  /** Records that the kernel dropped because they were not read in time. */
  get lost(): number {
    return this.#lost;
  }

  /** The available records, CPU by CPU. Never waits. */
  read(): PerfRecord[] {
    const records: PerfRecord[] = [];
    if (!this.#closed) for (const ring of this.#rings) this.#lost += ring.read(records);
    return records;
  }

  /** Records as they come, until `close()`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<PerfRecord, void, undefined> {
    while (!this.#closed) {
      const records = this.read();
      yield* records;
      // perf_poll() forgets that it was woken whenever it is asked, and it is asked first when watching
      // begins
      if (records.length === 0)
        await this.#readiness.wait(() => !this.#closed && this.#rings.some(ring => ring.hasRecords));
    }
  }

  /** Stops reading, ends what waits, and unmaps the buffer. The map stays open. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const ring of this.#rings) ring.close();
    this.#readiness.stop();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
