/** Where the counters of coverage are; separate from the code that counts, as the whole module's plan has them. */

/** Counters of one function in memory: one for its entry, then one for each slot. */
export interface UnitCounters {
  /** Address of the first. */
  readonly address: number;
  /** For each slot the one whose counter counts it, from 1; 0: it was not compiled. */
  readonly countedBy: Uint32Array;
}

/** Bytes of a counter. */
export const COUNTER_SIZE = 8;

/** Counters of a function of so many slots whose first is at `address`. */
export function unitCounters(address: number, slots: number): UnitCounters {
  return { address, countedBy: new Uint32Array(slots) };
}
