/**
 * Records that were taken out of a buffer and not given out yet. A consumer keeps them, not one loop over it: what a loop
 * that ends early has taken out is given to the next one, so that no record is lost.
 */

export class Pending<T> {
  #records: readonly T[] = [];
  #next = 0;

  get isEmpty(): boolean {
    return this.#next === this.#records.length;
  }

  /** Keeps records; call when there are none. */
  put(records: readonly T[]): void {
    this.#records = records;
    this.#next = 0;
  }

  /** The oldest one; undefined when there are none. */
  take(): T | undefined {
    const record = this.#records[this.#next];
    if (record !== undefined) this.#next += 1;
    return record;
  }

  /** All of them. */
  takeAll(): T[] {
    const records = this.#records.slice(this.#next);
    this.put([]);
    return records;
  }
}
