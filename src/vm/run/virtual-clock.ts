/**
 * The clocks that programs read. They are still during a run.
 *
 * Without a clock from outside, time is virtual and starts one second after boot: it follows the timestamps
 * of packets, and moves 1 µs with each packet that has none. Timestamps that go back do not turn the clock
 * back.
 */

import type { Timestamp } from '../capture/index.ts';
import { CELL, type MachineMemory } from '../state/index.ts';

const BOOT_NS = 1_000_000_000;
const STEP_NS = 1000;

export class VirtualClock {
  readonly #memory: MachineMemory;
  readonly #outside: (() => number) | undefined;
  /** First timestamp, and what the clock showed then. */
  #first: { readonly timestamp: Timestamp; readonly now: number } | undefined;
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
  advance(timestamp: Timestamp | undefined): void {
    if (this.#outside !== undefined) this.#set(this.#outside());
    else if (timestamp === undefined) this.#step();
    else this.#follow(timestamp);
    this.#show(CELL.clock);
    if (timestamp === undefined) this.#show(CELL.wallClock);
    else this.#showWall(timestamp);
  }

  #step(): void {
    this.#low += STEP_NS;
    if (this.#low <= 0xffffffff) return;
    this.#low -= 0x100000000;
    this.#high++;
  }

  #follow(timestamp: Timestamp): void {
    this.#first ??= { timestamp, now: this.now };
    const { timestamp: first, now } = this.#first;
    const elapsed =
      (timestamp.seconds - first.seconds) * 1_000_000_000 + (timestamp.nanoseconds - first.nanoseconds);
    this.#set(Math.max(this.now, now + elapsed));
  }

  #set(ns: number): void {
    this.#high = Math.floor(ns / 0x100000000);
    this.#low = ns - this.#high * 0x100000000;
  }

  #show(cell: number): void {
    this.#memory.view.setUint32(cell, this.#low, true);
    this.#memory.view.setUint32(cell + 4, this.#high, true);
  }

  /** Nanoseconds since 1970 take more than a double has: the seconds are multiplied in two parts. */
  #showWall({ seconds, nanoseconds }: Timestamp): void {
    const upper = Math.floor(seconds / 0x10000) * 1_000_000_000;
    const lower = (seconds % 0x10000) * 1_000_000_000 + nanoseconds;
    const sum = (upper % 0x10000) * 0x10000 + lower;
    const { view } = this.#memory;
    view.setUint32(CELL.wallClock, sum % 0x100000000, true);
    view.setUint32(CELL.wallClock + 4, Math.floor(upper / 0x10000) + Math.floor(sum / 0x100000000), true);
  }
}
