/** Verdicts as bits: how a member that is a program of its own knows whether another one decides. */

import { type Verdict, verdictNumbers } from '../../object/index.ts';

/** Bit `verdict & 31` for each verdict after which the next member runs. */
export function continueMask(verdicts: readonly Verdict[], progType: number): number {
  const known = verdictNumbers(progType);
  const others = Array.from({ length: 32 }, (_, bit) => bit).filter(
    bit => !known.some(number => (number & 31) === bit),
  );
  const bits = verdicts.flatMap(verdict => {
    if (typeof verdict === 'number') return [verdict & 31];
    return verdict === 'other' ? others : Array.from({ length: 31 }, (_, bit) => bit + 1);
  });
  return bits.reduce((mask, bit) => (mask | (1 << bit)) >>> 0, 0);
}
