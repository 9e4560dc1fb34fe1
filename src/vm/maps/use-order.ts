/**
 * Elements in the order of their last use: a ring of links in two typed arrays, with element 0 as its anchor.
 */

import { noElement } from '../../bytes/index.ts';
import { grown } from './grown.ts';

export class UseOrder {
  #newer: Int32Array;
  #older: Int32Array;

  /** For elements numbered from 1. */
  constructor(capacity: number) {
    this.#newer = new Int32Array(capacity + 1);
    this.#older = new Int32Array(capacity + 1);
  }

  /** Makes room for elements up to that number. */
  grow(capacity: number): void {
    this.#newer = grown(this.#newer, capacity + 1);
    this.#older = grown(this.#older, capacity + 1);
  }

  /** Puts a new element at the front. */
  add(element: number): void {
    const newest = this.#older[0] ?? noElement(this.#older, 0);
    this.#older[element] = newest;
    this.#newer[element] = 0;
    this.#newer[newest] = element;
    this.#older[0] = element;
  }

  remove(element: number): void {
    const newer = this.#newer[element] ?? noElement(this.#newer, element);
    const older = this.#older[element] ?? noElement(this.#older, element);
    this.#older[newer] = older;
    this.#newer[older] = newer;
  }

  touch(element: number): void {
    if (this.#older[0] === element) return;
    this.remove(element);
    this.add(element);
  }

  /** The element used longest ago; 0 when there are none. */
  oldest(): number {
    return this.#newer[0] ?? noElement(this.#newer, 0);
  }
}
