/**
 * Colours for the nodes of an interference graph (Chaitin, Briggs).
 *
 * Registers with fewer than ten neighbours are taken away first, since they find a colour whatever the others get;
 * where there are none, the one that is cheapest to spill for the neighbours it has. Then they come back in the
 * reverse order and take a free colour, if possible that of a register they are a copy of. Those that find none are
 * spilled.
 */

import { elementAt } from '../../../bytes/index.ts';
import { filled, intAt } from '../analysis/index.ts';
import { FIRST_VIRTUAL, type Register } from '../ir/index.ts';
import type { Merged } from './coalesce.ts';
import { COLOURS, type Interference } from './interference.ts';

/** No colour. */
export const UNCOLOURED = -1;

/** Colours in the order in which they are tried: r1 to r5 are free for everything that no call is in. */
const PREFERRED: readonly Register[] = [1, 2, 3, 4, 5, 0, 6, 7, 8, 9];

/** Colours of registers, and registers that found none. */
export interface Colouring {
  /** By register, for those that were not merged. */
  readonly colours: Int32Array;
  readonly spilled: readonly Register[];
}

/**
 * Colours a graph. `costs`: of spilling each register, asked for where one may have to be; those from `firstFixed` on
 * are spilled last.
 */
export function selectColours(
  interference: Interference,
  merged: Merged,
  costs: () => Int32Array,
  firstFixed: Register,
): Colouring {
  const stack = new Removal(interference, merged, costs, firstFixed).run();
  const colours = filled(interference.size, UNCOLOURED);
  for (let register = 0; register < COLOURS; register++) colours[register] = register;
  const partners = partnersOf(interference, merged);
  const spilled: Register[] = [];
  for (let at = stack.length - 1; at >= 0; at--) {
    const register = elementAt(stack, at);
    const colour = freeColour(register, interference, merged, colours, elementAt(partners, register));
    if (colour === UNCOLOURED) spilled.push(register);
    colours[register] = colour;
  }
  return { colours, spilled };
}

/** Registers that each register is a copy of, or the source of a copy. */
function partnersOf({ size, copies }: Interference, merged: Merged): Register[][] {
  const partners = Array.from({ length: size }, (): Register[] => []);
  for (const { dst, src } of copies) {
    const a = merged.find(dst);
    const b = merged.find(src);
    if (a === b) continue;
    elementAt(partners, a).push(b);
    elementAt(partners, b).push(a);
  }
  return partners;
}

function freeColour(
  register: Register,
  interference: Interference,
  merged: Merged,
  colours: Int32Array,
  partners: readonly Register[],
): Register {
  let taken = 0;
  for (const neighbour of interference.neighboursOf(register)) {
    const colour = merged.isMerged(neighbour) ? UNCOLOURED : intAt(colours, neighbour);
    if (colour !== UNCOLOURED) taken |= 1 << colour;
  }
  for (const partner of partners) {
    const colour = intAt(colours, partner);
    if (colour !== UNCOLOURED && (taken & (1 << colour)) === 0) return colour;
  }
  for (const colour of PREFERRED) if ((taken & (1 << colour)) === 0) return colour;
  return UNCOLOURED;
}

/** Takes registers out of the graph, those that are sure to find a colour first. */
class Removal {
  readonly #graph: Interference;
  readonly #merged: Merged;
  readonly #costs: () => Int32Array;
  #known: Int32Array | null = null;
  readonly #firstFixed: Register;
  readonly #degree: Int32Array;
  readonly #isGone: Uint8Array;
  /** Registers that are sure to find a colour. */
  readonly #easy: Register[] = [];
  readonly #hard = new Set<Register>();
  readonly #stack: Register[] = [];

  constructor(graph: Interference, merged: Merged, costs: () => Int32Array, firstFixed: Register) {
    this.#graph = graph;
    this.#merged = merged;
    this.#costs = costs;
    this.#firstFixed = firstFixed;
    this.#degree = graph.degree.slice();
    this.#isGone = new Uint8Array(graph.size);
  }

  /** The registers in the order in which they were taken. */
  run(): Register[] {
    for (let register = FIRST_VIRTUAL; register < this.#graph.size; register++) {
      if (this.#merged.isMerged(register)) continue;
      if (intAt(this.#degree, register) < COLOURS) this.#easy.push(register);
      else this.#hard.add(register);
    }
    for (;;) {
      const register = this.#easy.pop() ?? this.#cheapest();
      if (register === undefined) return this.#stack;
      this.#take(register);
    }
  }

  #take(register: Register): void {
    this.#hard.delete(register);
    this.#isGone[register] = 1;
    this.#stack.push(register);
    for (const neighbour of this.#graph.neighboursOf(register)) {
      if (neighbour < FIRST_VIRTUAL || this.#isGone[neighbour] === 1) continue;
      const degree = intAt(this.#degree, neighbour) - 1;
      this.#degree[neighbour] = degree;
      if (degree === COLOURS - 1 && this.#hard.delete(neighbour)) this.#easy.push(neighbour);
    }
  }

  /** The register that costs least for each neighbour that it is in the way of. */
  #cheapest(): Register | undefined {
    if (this.#hard.size === 0) return undefined;
    this.#known ??= this.#costs();
    let found: Register | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const register of this.#hard) {
      const isFixed = register >= this.#firstFixed;
      const cost = isFixed ? Number.MAX_VALUE : intAt(this.#known, register) / intAt(this.#degree, register);
      if (cost >= least) continue;
      least = cost;
      found = register;
    }
    return found;
  }
}
