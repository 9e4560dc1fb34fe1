/**
 * Coalescing: registers that are copies of each other become one, where that cannot cause a spill.
 *
 * Conservative: two virtual registers are merged if the result has fewer than ten neighbours of ten or more (Briggs),
 * any register into another one if each of its neighbours already interferes with that or has fewer than ten
 * (George). A copy that was refused is tried again when one of the registers around it has lost neighbours.
 */

import { elementAt } from '../../../bytes/index.ts';
import { filled, intAt } from '../analysis/index.ts';
import { FIRST_VIRTUAL, type Register } from '../ir/index.ts';
import { COLOURS, type Copy, type Interference } from './interference.ts';

/** Which registers were merged. */
export class Merged {
  readonly #into: Int32Array;

  constructor(registers: number) {
    this.#into = new Int32Array(registers);
    for (let register = 0; register < registers; register++) this.#into[register] = register;
  }

  /** The register that this one is part of; itself where it was not merged. */
  find(register: Register): Register {
    let at = register;
    for (let next = intAt(this.#into, at); next !== at; next = intAt(this.#into, at)) {
      this.#into[at] = intAt(this.#into, next);
      at = next;
    }
    return at;
  }

  isMerged(register: Register): boolean {
    return intAt(this.#into, register) !== register;
  }

  merge(kept: Register, other: Register): void {
    this.#into[other] = kept;
  }
}

/** Merges registers of copies; the interference graph is that of the result. */
export function coalesce(interference: Interference): Merged {
  const merged = new Merged(interference.size);
  new Coalescing(interference, merged).run();
  return merged;
}

class Coalescing {
  readonly #graph: Interference;
  readonly #merged: Merged;
  /** Copies, by index, to try. */
  readonly #queue: number[] = [];
  readonly #isQueued: Uint8Array;
  /** Copies that a register is part of. */
  readonly #copiesOf: number[][] = [];
  /** Last count that saw a register, to count neighbours of two once. */
  readonly #seen: Int32Array;
  #count = 0;

  constructor(graph: Interference, merged: Merged) {
    this.#graph = graph;
    this.#merged = merged;
    this.#isQueued = new Uint8Array(graph.copies.length);
    this.#seen = filled(graph.size, 0);
    for (let register = 0; register < graph.size; register++) this.#copiesOf.push([]);
  }

  run(): void {
    this.#graph.copies.forEach(({ dst, src }, index) => {
      elementAt(this.#copiesOf, dst).push(index);
      elementAt(this.#copiesOf, src).push(index);
      this.#enqueue(index);
    });
    for (let at = 0; at < this.#queue.length; at++) {
      const index = elementAt(this.#queue, at);
      this.#isQueued[index] = 0;
      this.#try(elementAt(this.#graph.copies, index));
    }
  }

  #enqueue(index: number): void {
    if (this.#isQueued[index] === 1) return;
    this.#isQueued[index] = 1;
    this.#queue.push(index);
  }

  #try({ dst, src }: Copy): void {
    const a = this.#merged.find(dst);
    const b = this.#merged.find(src);
    const kept = b < FIRST_VIRTUAL ? b : a;
    const other = kept === a ? b : a;
    if (a === b || other < FIRST_VIRTUAL || this.#graph.interferes(a, b)) return;
    if (this.#fits(kept, other)) this.#merge(kept, other);
  }

  /** Whether the merged register can be coloured as easily as the two. */
  #fits(kept: Register, other: Register): boolean {
    if (this.#isCovered(other, kept)) return true;
    return kept >= FIRST_VIRTUAL && (this.#isCovered(kept, other) || this.#hasFewNeighbours(kept, other));
  }

  /** George: what `other` interferes with also interferes with `kept`, or does not matter. */
  #isCovered(other: Register, kept: Register): boolean {
    for (const neighbour of this.#graph.neighboursOf(other)) {
      if (this.#merged.isMerged(neighbour) || !this.#matters(neighbour)) continue;
      if (!this.#graph.interferes(neighbour, kept)) {
        // Registers of the machine interfere with each other.
        if (neighbour >= FIRST_VIRTUAL || kept >= FIRST_VIRTUAL) return false;
      }
    }
    return true;
  }

  /** Briggs: fewer than ten neighbours of the two matter. */
  #hasFewNeighbours(kept: Register, other: Register): boolean {
    this.#count++;
    return this.#countMattering(kept) + this.#countMattering(other) < COLOURS;
  }

  #countMattering(register: Register): number {
    let count = 0;
    for (const neighbour of this.#graph.neighboursOf(register)) {
      if (this.#merged.isMerged(neighbour) || intAt(this.#seen, neighbour) === this.#count) continue;
      this.#seen[neighbour] = this.#count;
      if (this.#matters(neighbour)) count++;
    }
    return count;
  }

  /** Whether a register might find no colour. */
  #matters(register: Register): boolean {
    return register < FIRST_VIRTUAL || intAt(this.#graph.degree, register) >= COLOURS;
  }

  #merge(kept: Register, other: Register): void {
    this.#merged.merge(kept, other);
    for (const neighbour of this.#graph.neighboursOf(other)) {
      if (this.#merged.isMerged(neighbour)) continue;
      if (this.#graph.interferes(kept, neighbour)) this.#release(neighbour);
      else this.#graph.replaceNeighbour(neighbour, kept);
    }
    const copies = elementAt(this.#copiesOf, kept);
    for (const index of elementAt(this.#copiesOf, other)) {
      if (this.#isDone(index)) continue;
      copies.push(index);
      this.#enqueue(index);
    }
  }

  #isDone(index: number): boolean {
    const { dst, src } = elementAt(this.#graph.copies, index);
    return this.#merged.find(dst) === this.#merged.find(src);
  }

  /** A register has one neighbour less. */
  #release(register: Register): void {
    if (register < FIRST_VIRTUAL) return;
    const degree = intAt(this.#graph.degree, register) - 1;
    this.#graph.degree[register] = degree;
    if (degree !== COLOURS - 1) return;
    this.#retry(register);
    for (const neighbour of this.#graph.neighboursOf(register)) this.#retry(neighbour);
  }

  #retry(register: Register): void {
    if (this.#merged.isMerged(register)) return;
    for (const index of elementAt(this.#copiesOf, register)) this.#enqueue(index);
  }
}
