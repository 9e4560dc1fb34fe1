/**
 * Comparisons of many symbols of the same files: what was found equal is not compared again, and all have one budget.
 * Separate from the rules, which compare two types.
 */

import { inputError } from '../../diag/index.ts';
import type { RawBtf } from '../model/index.ts';

/** Steps of all comparisons: types of a file, each with each of a thousand files, take less. */
const BUDGET = 1 << 22;
/** Steps that a difference counts for: equal types are compared once, different ones whenever they meet. */
export const DIFFERENCE = 16;

export class CompareSession {
  /** By types of both sides and rules, keys of pairs. */
  readonly #equal = new Map<RawBtf, Map<RawBtf, Map<boolean, Set<number>>>>();
  #left = BUDGET;

  /** Pairs that are known to agree by these rules. */
  equalPairs(a: RawBtf, b: RawBtf, strict: boolean): Set<number> {
    const byB = entry(this.#equal, a, () => new Map<RawBtf, Map<boolean, Set<number>>>());
    const byRules = entry(byB, b, () => new Map<boolean, Set<number>>());
    return entry(byRules, strict, () => new Set<number>());
  }

  /** Throws `btf-compare-limit` when so many steps more are too many. */
  take(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0)
      throw inputError(
        'btf-compare-limit',
        [],
        `comparing the types of all symbols takes more than ${BUDGET} steps`,
      );
  }
}

/** A session without anything in it. */
export function compareSession(): CompareSession {
  return new CompareSession();
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
