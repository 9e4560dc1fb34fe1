/**
 * What watched programs count, and where: the one description that generated code, readers and documents share.
 *
 * Each member of a chain has a per-CPU array of one element, `rootlet_counts`:
 *
 *   u64 bytes        packets before the member ran, added up
 *   u64 time         nanoseconds in the member, of the packets in `timed`
 *   u64 timed        packets whose time was taken
 *   u64 verdicts[]   packets by verdict, ascending from the lowest one; the last element is every other number
 *   u64 record[3]    where a trace record is put together
 *
 * One variable switches all of it: `rootlet_watch`, three words in a data section of its own. The perf event
 * array `rootlet_trace` takes trace records, each followed by the first bytes of its packet.
 */

import { i32, type RecordOf, record, u32, u64 } from '../../bytes/index.ts';
import { bugError } from '../../diag/index.ts';
import { type Verdict, verdictName, verdictNumbers } from '../../object/index.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../uapi/index.ts';

/** Names in a member's object, in records of the store, and of the maps in the kernel. */
export const COUNTS_MAP = 'rootlet_counts';
export const TRACE_MAP = 'rootlet_trace';
export const WATCH_VARIABLE = 'rootlet_watch';
/** The section of the variable, which is a map of its own when loaded. */
export const WATCH_SECTION = '.bss.rootlet_watch';

const OWN_MAPS: ReadonlySet<string> = new Set([COUNTS_MAP, TRACE_MAP, WATCH_SECTION]);

/** Whether a map of a member is for counting: by its name in records, which no file can have beside them. */
export function isWatchMap(name: string): boolean {
  return OWN_MAPS.has(name);
}

/** Bits of the first word of `rootlet_watch`; without any, a packet costs one load and one branch. */
export const WATCH_COUNT = 1;
/** Also takes the time of each member. */
export const WATCH_TIME = 2;
export const WATCH_TRACE = 4;

/** `rootlet_watch`. */
export const WatchWords = record('rootlet_watch', {
  /** Bits WATCH_…. */
  flags: u32,
  /**
   * Members with code of their own only: verdicts (modulo 32) after which the packet is not traced, because
   * another member decides.
   */
  continueMask: u32,
  /** The same: place of the member in its chain, from 0. */
  member: u32,
});

/** What a trace record begins with. */
export const TraceHeader = record('trace_header', {
  /** Nanoseconds since boot (CLOCK_MONOTONIC). */
  time: u64,
  /** Bytes of the whole packet. */
  length: u32,
  verdict: i32,
  /** Place of the member that decided; NO_MEMBER where the chain has a verdict of its own. */
  member: u32,
  reserved: u32,
});

/** The last member continued, and the chain returned its fixed verdict. */
export const NO_MEMBER = 0xffffffff;
/** Bytes of the packet in a trace record; fewer of a shorter packet. */
export const TRACED_BYTES = 64;

/** Places of the counters of programs of one type. */
export interface CounterLayout {
  readonly progType: number;
  /** The lowest verdict that has a counter. */
  readonly first: number;
  /** Verdicts that have a counter of their own. */
  readonly known: number;
  /** Bytes of a value. */
  readonly size: number;
  readonly offsets: {
    readonly bytes: number;
    readonly time: number;
    readonly timed: number;
    readonly verdicts: number;
    readonly record: number;
  };
}

/** Whether programs of the type can be watched: those of chains. */
export function canWatch(progType: number): boolean {
  return progType === BPF_PROG_TYPE_XDP || progType === BPF_PROG_TYPE_SCHED_CLS;
}

/** Counters of programs of this type. */
export function counterLayout(progType: number): CounterLayout {
  if (!canWatch(progType)) throw bugError([], `programs of type ${progType} have no counters`);
  const numbers = verdictNumbers(progType);
  const first = Math.min(...numbers);
  const known = Math.max(...numbers) - first + 1;
  const verdicts = 3 * WORD;
  const end = verdicts + (known + 1) * WORD;
  return {
    progType,
    first,
    known,
    size: end + TraceHeader.size,
    offsets: { bytes: 0, time: WORD, timed: 2 * WORD, verdicts, record: end },
  };
}

const WORD = 8;

/** Of one member, all CPUs added up. */
export interface Counters {
  readonly packets: bigint;
  readonly bytes: bigint;
  /** Nanoseconds of `timed` packets. */
  readonly time: bigint;
  readonly timed: bigint;
  /** Ascending, those without a packet included; `other` is last. */
  readonly verdicts: readonly VerdictCount[];
}

export interface VerdictCount {
  readonly verdict: Verdict;
  /** As in output: `PASS`, `OTHER`. */
  readonly name: string;
  readonly packets: bigint;
}

/** Adds up the values of all CPUs, each `stride` bytes after the one before. */
export function decodeCounters(layout: CounterLayout, bytes: Uint8Array, little: boolean): Counters {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sum = (offset: number): bigint => {
    let total = 0n;
    for (let at = offset; at + WORD <= bytes.length; at += layout.size)
      total += view.getBigUint64(at, little);
    return total;
  };
  const { offsets, known, first, progType } = layout;
  const verdicts = Array.from({ length: known + 1 }, (_, at): VerdictCount => {
    const verdict = at === known ? 'other' : first + at;
    const name = verdict === 'other' ? 'OTHER' : verdictName(progType, verdict);
    return { verdict, name, packets: sum(offsets.verdicts + at * WORD) };
  });
  return {
    packets: verdicts.reduce((total, { packets }) => total + packets, 0n),
    bytes: sum(offsets.bytes),
    time: sum(offsets.time),
    timed: sum(offsets.timed),
    verdicts,
  };
}

/** One traced packet. */
export interface TraceRecord extends RecordOf<typeof TraceHeader> {
  /** The first bytes of the packet, as it left the chain. */
  readonly packet: Uint8Array;
}

/** Undefined for bytes that do not hold a trace record. Perf buffers pad records, which the length tells. */
export function decodeTrace(bytes: Uint8Array, little: boolean): TraceRecord | undefined {
  if (bytes.length < TraceHeader.size) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = TraceHeader.decode(view, 0, little ? 'little' : 'big');
  const there = Math.min(TRACED_BYTES, header.length, bytes.length - TraceHeader.size);
  return { ...header, packet: bytes.subarray(TraceHeader.size, TraceHeader.size + there) };
}
