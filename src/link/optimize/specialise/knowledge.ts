/**
 * What is known about a value on a path: outcomes of comparisons, and bounds of packet pointers.
 *
 * Knowledge is immutable. Where paths meet, what all of them know remains (`meet`); where they know different
 * things the value is tainted: in registers that have it the verifier's states differ, and a register that stays
 * in use would keep the verifier from merging them.
 */

import { areRelated, type Constant, EQUAL, type Relation } from './constants.ts';

/** Number of a value. */
type Value = number;

/** A comparison of a value with another one. */
export interface Comparison {
  /** Dense number of the comparison, the same for the same relation, order and other operand. */
  readonly id: number;
  readonly relation: Relation;
  readonly isWide: boolean;
  /** Whether the other operand is the left one. */
  readonly isReversed: boolean;
  /** The other operand. */
  readonly other: Value;
  /** The other operand, where it is a constant. */
  readonly constant: Constant | undefined;
}

/** A comparison and whether it holds. */
export interface Outcome {
  readonly comparison: Comparison;
  readonly holds: boolean;
}

/** What comparisons of `base + k` with a limit have shown. */
export interface Bound {
  readonly limit: Value;
  /** Largest k for which `base + k <= limit` was checked; 0: none, which says nothing to the verifier. */
  readonly fits: number;
  /** Largest k for which `base + k < limit` was checked; 0: none. */
  readonly below: number;
  /** Smallest k for which `base + k > limit` is known; `Infinity`: none. */
  readonly over: number;
}

export interface Knowledge {
  /** The value itself, where a comparison for equality held. */
  readonly equal: Constant | undefined;
  readonly outcomes: readonly Outcome[];
  readonly bounds: readonly Bound[];
  readonly isTainted: boolean;
}

/** More outcomes of one value are not recorded. */
const MAX_OUTCOMES = 128;

/** Values up to this are known to be the last possible number. */
const MOST_LISTED = 15;

const NOTHING: Knowledge = { equal: undefined, outcomes: [], bounds: [], isTainted: false };

/** Whether the comparison is known to hold or not to hold. */
export function outcomeOf(known: Knowledge | undefined, comparison: Comparison): boolean | undefined {
  if (known === undefined) return undefined;
  const { equal, outcomes } = known;
  if (equal !== undefined && comparison.constant !== undefined) {
    const { relation, isWide, isReversed, constant } = comparison;
    return isReversed
      ? areRelated(relation, isWide, constant, equal)
      : areRelated(relation, isWide, equal, constant);
  }
  for (const outcome of outcomes) if (outcome.comparison.id === comparison.id) return outcome.holds;
  return undefined;
}

/** Knowledge with one more outcome, of a value that is not above `most`. */
export function withOutcome(
  known: Knowledge | undefined,
  comparison: Comparison,
  holds: boolean,
  most: number,
): Knowledge {
  const before = known ?? NOTHING;
  if (outcomeOf(known, comparison) === holds || before.outcomes.length >= MAX_OUTCOMES) return before;
  const outcomes = [...before.outcomes, { comparison, holds }];
  const { relation, constant } = comparison;
  const isEquality = relation === EQUAL && constant !== undefined;
  const found = isEquality && !holds ? onlyOneLeft(outcomes, most) : isEquality ? constant : undefined;
  return { ...before, equal: found ?? before.equal, outcomes };
}

/** The number from 0 to `most` that the value has, since it is none of the others. */
function onlyOneLeft(outcomes: readonly Outcome[], most: number): number | undefined {
  if (most > MOST_LISTED) return undefined;
  let left = 2 ** (most + 1) - 1;
  for (const { comparison, holds } of outcomes) {
    const { relation, constant } = comparison;
    if (relation !== EQUAL || holds || typeof constant !== 'number') continue;
    if (constant >= 0 && constant <= most) left &= ~(1 << constant);
  }
  return left !== 0 && (left & (left - 1)) === 0 ? Math.log2(left) : undefined;
}

export function boundOf(known: Knowledge | undefined, limit: Value): Bound | undefined {
  return known?.bounds.find(bound => bound.limit === limit);
}

/** Knowledge with this bound in place of the one of the same limit. */
export function withBound(known: Knowledge | undefined, bound: Bound): Knowledge {
  const before = known ?? NOTHING;
  const others = before.bounds.filter(({ limit }) => limit !== bound.limit);
  return { ...before, bounds: [...others, bound] };
}

/** What holds on both paths; tainted where they know different things. */
export function meet(a: Knowledge | undefined, b: Knowledge | undefined): Knowledge | undefined {
  if (a === b) return a;
  const left = a ?? NOTHING;
  const right = b ?? NOTHING;
  if (isSame(left, right)) return left;
  return {
    equal: left.equal === right.equal ? left.equal : undefined,
    outcomes: commonOutcomes(left, right),
    bounds: commonBounds(left, right),
    isTainted: true,
  };
}

function isSame(a: Knowledge, b: Knowledge): boolean {
  return (
    a.equal === b.equal &&
    a.isTainted === b.isTainted &&
    a.outcomes.length === b.outcomes.length &&
    a.bounds.length === b.bounds.length &&
    a.outcomes.every(({ comparison, holds }) => outcomeOf(b, comparison) === holds) &&
    a.bounds.every(bound => isSameBound(bound, boundOf(b, bound.limit)))
  );
}

function isSameBound(a: Bound, b: Bound | undefined): boolean {
  return b !== undefined && a.fits === b.fits && a.below === b.below && a.over === b.over;
}

function commonOutcomes(a: Knowledge, b: Knowledge): Outcome[] {
  const common = a.outcomes.filter(({ comparison, holds }) => outcomeOf(b, comparison) === holds);
  const ids = new Set(common.map(({ comparison }) => comparison.id));
  const more = b.outcomes.filter(
    ({ comparison, holds }) => !ids.has(comparison.id) && outcomeOf(a, comparison) === holds,
  );
  return more.length === 0 ? common : [...common, ...more];
}

function commonBounds(a: Knowledge, b: Knowledge): Bound[] {
  return a.bounds.flatMap(bound => {
    const other = boundOf(b, bound.limit);
    if (other === undefined) return [];
    return {
      limit: bound.limit,
      fits: Math.min(bound.fits, other.fits),
      below: Math.min(bound.below, other.below),
      over: Math.max(bound.over, other.over),
    };
  });
}
