/**
 * How a function uses its frame and the addresses that it is given: the result of the analysis, for its callers.
 */

import { elementAt } from '../../../bytes/index.ts';
import { ANYWHERE, BASES, type Base, FRAME, LOADED, NOWHERE } from './state.ts';

/** How far below each base a function and its callees reach. */
export interface FrameUse {
  /** Lowest distance that is accessed; `NOWHERE` for none, `ANYWHERE` where it is not known. */
  reach(base: Base): number;
  /** Lowest distance of the addresses that are stored in memory. */
  stored(base: Base): number;
}

/** Of a function of which nothing is known. */
export const UNKNOWN_USE: FrameUse = { reach: () => ANYWHERE, stored: () => ANYWHERE };

/** Collects what instructions access and store. */
export class UseRecorder {
  readonly #reach = new Float64Array(BASES).fill(NOWHERE);
  readonly #stored = new Float64Array(BASES).fill(NOWHERE);
  #unknownAt = -1;

  /** The first instruction that reaches a place of the frame that is not known; -1 for none. */
  get unknownAt(): number {
    return this.#unknownAt;
  }

  accesses(base: Base, low: number, insnIndex: number): void {
    if (low < elementAt(this.#reach, base)) this.#reach[base] = low;
    if (base === FRAME && low === ANYWHERE && this.#unknownAt < 0) this.#unknownAt = insnIndex;
  }

  stores(base: Base, low: number): void {
    if (low < elementAt(this.#stored, base)) this.#stored[base] = low;
  }

  /**
   * What is accessed through an address that was read from memory is accessed below all that were stored. Where
   * an address that was read is stored again further below, that can happen any number of times.
   */
  result(): FrameUse {
    const reach = this.#reach.slice();
    const stored = this.#stored;
    if (elementAt(stored, LOADED) < 0 && elementAt(reach, LOADED) !== NOWHERE) reach[LOADED] = ANYWHERE;
    const below = Math.min(0, elementAt(reach, LOADED));
    for (let base = 0; base < LOADED; base++)
      reach[base] = Math.min(elementAt(reach, base), sum(elementAt(stored, base), below));
    return { reach: base => elementAt(reach, base), stored: base => elementAt(stored, base) };
  }
}

/** `NOWHERE` where one of them is. */
export function sum(low: number, distance: number): number {
  return low === NOWHERE || distance === NOWHERE ? NOWHERE : low + distance;
}
