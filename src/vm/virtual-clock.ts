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
  /** Both halves of what the clock shows. */
  #low = BOOT_NS;
  #high = 0;

  constructor(memory: MachineMemory, outside: (() => number) | undefined) {
    this.#memory = memory;
    this.#outside = outside;
    this.#show(CELL.clock);
    this.#show(CELL.wallClock);
  }

  /** Nanoseconds since boot. */
  get now(): number {
    return this.#high * 0x100000000 + this.#low;
  }

  /** Moves on to the time of the next packet. */
  advance(timestampNs: number | bigint | undefined): void {
    if (timestampNs === undefined && this.#outside === undefined) this.#step();
    else this.#set(this.#outside?.() ?? this.#follow(Number(timestampNs ?? 0)));
    this.#show(CELL.clock);
    if (timestampNs === undefined) this.#show(CELL.wallClock);
    else this.#memory.view.setBigUint64(CELL.wallClock, BigInt(timestampNs), true);
  }

  #step(): void {
    this.#low += STEP_NS;
    if (this.#low <= 0xffffffff) return;
    this.#low -= 0x100000000;
    this.#high++;
  }

  #follow(time: number): number {
    this.#base ??= time - this.now;
    return Math.max(this.now, time - this.#base);
  }

  #set(ns: number): void {
    this.#high = Math.floor(ns / 0x100000000);
    this.#low = ns - this.#high * 0x100000000;
  }

  #show(cell: number): void {
    this.#memory.view.setUint32(cell, this.#low, true);
    this.#memory.view.setUint32(cell + 4, this.#high, true);
  }
}
