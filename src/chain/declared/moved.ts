/**
 * Which members of a list are moved in another list: as few as possible, so that a member that others are put
 * before is not called moved. Separate, because it is about lists only.
 */

import { valueAt } from '../../bytes/index.ts';

/** Names of both lists that are not in the longest run that keeps its order. */
export function movedNames(before: readonly string[], after: readonly string[]): ReadonlySet<string> {
  const places = new Map(before.map((name, at) => [name, at]));
  const common = after.filter(name => places.has(name));
  const kept = new Set(longestRising(common, name => valueAt(places, name)));
  return new Set(common.filter(name => !kept.has(name)));
}

/** The longest subsequence whose ranks rise; of several the one that ends first. */
function longestRising<T>(items: readonly T[], rankOf: (item: T) => number): T[] {
  let best: T[] = [];
  const ending: { readonly rank: number; readonly run: T[] }[] = [];
  for (const item of items) {
    const rank = rankOf(item);
    let longest: T[] = [];
    for (const other of ending)
      if (other.rank < rank && other.run.length > longest.length) longest = other.run;
    const run = [...longest, item];
    ending.push({ rank, run });
    if (run.length > best.length) best = run;
  }
  return best;
}
