/**
 * Nodes in classes that are split while members of one class refer to members of different classes in the same place.
 *
 * After Hopcroft: when a class is split, all parts but the largest are looked at again, and of them only what refers to
 * them. So a node is looked at as often as the logarithm of the number of nodes, also in chains and circles. Knows nothing
 * of symbols.
 */

import { elementAt, valueAt } from '../../bytes/index.ts';

/** A reference of a node to another one. */
export interface Edge {
  readonly from: number;
  /** Of the reference, among those of `from`. */
  readonly place: number;
  readonly to: number;
}

/** Splits classes until no reference tells members apart. `classOf`: number of the class of each node, from 0 without gaps. */
export function refine(classOf: Int32Array, edges: readonly Edge[]): void {
  new Partition(classOf, edges).run();
}

class Partition {
  readonly #classOf: Int32Array;
  /** References to each node. */
  readonly #incoming: Edge[][];
  readonly #members: Set<number>[] = [];
  /** Nodes whose referrers are to be looked at: at one time a class. */
  readonly #pending: (readonly number[])[] = [];

  constructor(classOf: Int32Array, edges: readonly Edge[]) {
    this.#classOf = classOf;
    this.#incoming = Array.from(classOf, () => []);
    for (const edge of edges) elementAt(this.#incoming, edge.to).push(edge);
    classOf.forEach((number, node) => {
      while (this.#members.length <= number) this.#members.push(new Set());
      elementAt(this.#members, number).add(node);
    });
    for (const members of this.#members) this.#pending.push([...members]);
  }

  run(): void {
    for (let targets = this.#pending.pop(); targets !== undefined; targets = this.#pending.pop())
      for (const [number, groups] of this.#referrers(targets)) this.#split(number, groups);
  }

  /** Those that refer to `targets`, by class and by the places in which they do. */
  #referrers(targets: readonly number[]): Map<number, Map<string, number[]>> {
    const places = new Map<number, number[]>();
    for (const node of targets)
      for (const { from, place } of elementAt(this.#incoming, node)) listOf(places, from).push(place);
    const byClass = new Map<number, Map<string, number[]>>();
    for (const [node, list] of places) {
      const number = elementAt(this.#classOf, node);
      if (!byClass.has(number)) byClass.set(number, new Map());
      listOf(valueAt(byClass, number), list.sort((a, b) => a - b).join()).push(node);
    }
    return byClass;
  }

  /** Members that are in no group stay together. */
  #split(number: number, groups: ReadonlyMap<string, readonly number[]>): void {
    const members = elementAt(this.#members, number);
    const parts = [...groups.values()];
    const moved = parts.reduce((sum, part) => sum + part.length, 0);
    // the class keeps the rest, or if there is none its largest part
    if (moved === members.size) parts.sort((a, b) => a.length - b.length).pop();
    for (const part of parts) this.#move(part, members);
    const largest = parts.reduce((most, part) => Math.max(most, part.length), 0);
    const isRestLargest = members.size >= largest;
    if (!isRestLargest) this.#pending.push([...members]);
    let isLeftOut = isRestLargest;
    for (const part of parts) {
      if (!isLeftOut && part.length === largest) isLeftOut = true;
      else this.#pending.push(part);
    }
  }

  #move(part: readonly number[], from: Set<number>): void {
    const number = this.#members.length;
    this.#members.push(new Set(part));
    for (const node of part) {
      from.delete(node);
      this.#classOf[node] = number;
    }
  }
}

function listOf<K, V>(map: Map<K, V[]>, key: K): V[] {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made: V[] = [];
  map.set(key, made);
  return made;
}
