/**
 * The clocks that programs read. They stand still during a run.
 *
 * Without a clock from outside, time is virtual and starts one second after boot: it follows the timestamps of
 * packets, and moves 1 µs with each packet that has none. Timestamps that go back do not turn the clock back.
 */

import { CELL } from './layout.ts';
import type { MachineMemory } from './memory.ts';

const BOOT_NS = 1_000_000_000;
const STEP_NS = 1000;

export class VirtualClock {
  readonly #memory: MachineMemory;
  readonly #outside: (() => number) | undefined;
  /** Timestamp of the first packet that had one, less what the clock showed then. */
  #base: number | undefined;
  /** Nanoseconds since boot. */
  now = BOOT_NS;

  constructor(memory: MachineMemory, outside: (() => number) | undefined) {
    this.#memory = memory;
    this.#outside = outside;
    this.#show(CELL.clock, this.now);
    this.#show(CELL.wallClock, this.now);
  }

  /** Moves on to the time of the next packet. */
  advance(timestampNs: number | bigint | undefined): void {
    this.now = this.#outside?.() ?? this.#next(timestampNs);
    this.#show(CELL.clock, this.now);
    if (timestampNs === undefined) this.#show(CELL.wallClock, this.now);
    else this.#memory.view.setBigUint64(CELL.wallClock, BigInt(timestampNs), true);
  }

  #next(timestampNs: number | bigint | undefined): number {
    if (timestampNs === undefined) return this.now + STEP_NS;
    const time = Number(timestampNs);
    this.#base ??= time - this.now;
    return Math.max(this.now, time - this.#base);
  }

  #show(cell: number, ns: number): void {
    this.#memory.view.setUint32(cell, ns % 0x100000000, true);
    this.#memory.view.setUint32(cell + 4, Math.floor(ns / 0x100000000), true);
  }
}
