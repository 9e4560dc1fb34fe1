/**
 * The steps of an upgrade that consumers notice: made together at the end, and taken back in reverse when one
 * fails.
 */

import type { Cleanup } from '../../load/index.ts';

export interface Change {
  apply(): void;
  revert(): void;
}

export class Changes {
  readonly #preparations: (() => void)[] = [];
  readonly #changes: Change[] = [];
  readonly #after = new Set<() => void>();
  readonly #failing: Cleanup;
  /** The provider's entry was switched after the changes: they are no longer undone. */
  committed = false;

  /** `failing` receives the undo step of each change, for later failures. */
  constructor(failing: Cleanup) {
    this.#failing = failing;
  }

  /** Done right before the changes; needs no taking back. */
  first(prepare: () => void): void {
    this.#preparations.push(prepare);
  }

  add(change: Change): void {
    this.#changes.push(change);
  }

  /** Done once after all changes, and once more when they were taken back. */
  afterwards(wait: () => void): void {
    this.#after.add(wait);
  }

  make(): void {
    for (const prepare of this.#preparations) prepare();
    // registered first, so that it comes last
    this.#failing.defer(() => this.#wait());
    for (const change of this.#changes) {
      change.apply();
      this.#failing.defer(() => change.revert());
    }
    this.#wait();
  }

  #wait(): void {
    for (const wait of this.#after) wait();
  }
}
