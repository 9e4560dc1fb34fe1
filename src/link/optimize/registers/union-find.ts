/** Disjoint sets of numbers, with path halving. */

import { elementAt } from '../../../bytes/index.ts';

export class UnionFind {
  readonly #parents: number[] = [];

  get size(): number {
    return this.#parents.length;
  }

  /** Adds `count` sets of one element each; the first element. */
  add(count: number): number {
    const first = this.#parents.length;
    for (let added = 0; added < count; added++) this.#parents.push(first + added);
    return first;
  }

  /** The element that represents the set of `element`. */
  find(element: number): number {
    const parents = this.#parents;
    let at = element;
    for (let parent = elementAt(parents, at); parent !== at; parent = elementAt(parents, at)) {
      const above = elementAt(parents, parent);
      parents[at] = above;
      at = above;
    }
    return at;
  }

  /** Makes one set of two; that of `kept` represents it. */
  unite(kept: number, other: number): void {
    const root = this.find(other);
    this.#parents[root] = this.find(kept);
  }
}
