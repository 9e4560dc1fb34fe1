/** Single packets of a chain as they are decided: records that members send, in the order of their time. */

import { HOST_ORDER, PerfBuffer } from '../../kernel/index.ts';
import { decodeTrace, NO_MEMBER } from '../../link/index.ts';
import { verdictName } from '../../object/index.ts';
import type { MemberState } from '../model/index.ts';
import { progTypeOf, type WatchedChain } from './open.ts';

/** A packet that a member decided on. */
export interface TracedPacket {
  /** Nanoseconds since boot (CLOCK_MONOTONIC). */
  readonly time: bigint;
  readonly cpu: number;
  /** Bytes of the whole packet. */
  readonly length: number;
  readonly verdict: number;
  /** As in output: `PASS`. */
  readonly verdictName: string;
  /** Null where the last member continued, and the chain has a verdict of its own. */
  readonly member: MemberState | null;
  /** Its first bytes, at most 64, as it left the chain. */
  readonly packet: Uint8Array;
}

/** Pages of the buffer of each CPU and member: 64 KiB, about 600 packets. */
const PAGES = 16;

/** Reads trace records. The chain must stay open as long; its switch is the caller's. */
export class PacketTrace {
  readonly #buffers: readonly PerfBuffer[];
  readonly #members: readonly MemberState[];
  readonly #progType: number;

  constructor(chain: WatchedChain) {
    this.#members = chain.state.members;
    this.#progType = progTypeOf(chain.state);
    const buffers: PerfBuffer[] = [];
    try {
      for (const map of chain.traces) buffers.push(new PerfBuffer(map, PAGES));
    } catch (error) {
      for (const buffer of buffers) buffer.close();
      throw error;
    }
    this.#buffers = buffers;
  }

  /** Records that were dropped because they were not read in time. */
  get lost(): number {
    return this.#buffers.reduce((total, { lost }) => total + lost, 0);
  }

  /** What has arrived, in the order of time. Never waits. */
  read(): TracedPacket[] {
    const records = this.#buffers.flatMap(buffer => buffer.read());
    return records
      .map(({ cpu, data }) => this.#decode(cpu, data))
      .filter(packet => packet !== undefined)
      .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  }

  #decode(cpu: number, data: Uint8Array): TracedPacket | undefined {
    const record = decodeTrace(data, HOST_ORDER === 'little');
    if (record === undefined) return undefined;
    const { time, length, verdict, member, packet } = record;
    const decider = member === NO_MEMBER ? null : (this.#members[member] ?? null);
    const name = verdictName(this.#progType, verdict);
    return { time, cpu, length, verdict, verdictName: name, member: decider, packet };
  }

  close(): void {
    for (const buffer of this.#buffers) buffer.close();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
