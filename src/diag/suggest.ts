/**
 * Hints for a name that does not exist: the similar names ("did you mean"), and the names that exist.
 * Separate from the problems because every layer needs the same words and the same measure of similarity.
 */

import { quote } from './printable.ts';

const MOST_SUGGESTED = 2;
/** Longest name that is compared with others, in characters, and how many cells of distances are computed for one. */
const LONGEST_COMPARED = 128;
const MOST_CELLS = 1 << 22;

/** The extras of a problem about `name`: a hint with similar candidates, else `otherwise`, else none. */
export function didYouMean(
  name: string,
  candidates: Iterable<string>,
  otherwise?: string,
): { readonly hint?: string } {
  const hint = suggestion(nearestNames(name, candidates)) ?? otherwise;
  return hint === undefined ? {} : { hint };
}

/** `did you mean "a" or "b"?`; undefined without names. */
export function suggestion(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : `did you mean ${names.map(quote).join(' or ')}?`;
}

/** `LEAD: "a", "b"`, or `LEAD none`. `lead` is "there are", "it has", "available", … */
export function available(lead: string, names: Iterable<string>): string {
  const all = [...names];
  return all.length === 0 ? `${lead} none` : `${lead}: ${quoteAll(all)}`;
}

/** `"a", "b"` */
export function quoteAll(names: Iterable<string>): string {
  return Array.from(names, quote).join(', ');
}

/**
 * Up to two names within a third of the length in edits, nearest first. Long names have none, and of very many
 * candidates only the first are compared, so that a hint never costs more than what it is about.
 */
export function nearestNames(name: string, candidates: Iterable<string>): string[] {
  if (name.length > LONGEST_COMPARED) return [];
  const limit = Math.max(1, Math.floor(name.length / 3));
  const budget = { cells: MOST_CELLS };
  return Array.from(candidates, candidate => ({
    candidate,
    distance: editDistance(name, candidate, limit, budget),
  }))
    .filter(entry => entry.distance <= limit)
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, MOST_SUGGESTED)
    .map(entry => entry.candidate);
}

/**
 * Edits of one character and exchanges of two neighbours, or `limit + 1` as soon as there must be more than
 * `limit`.
 */
function editDistance(a: string, b: string, limit: number, budget: { cells: number }): number {
  if (Math.abs(a.length - b.length) > limit || budget.cells < 0) return limit + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    budget.cells -= b.length;
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const isExchange = column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const exchange = isExchange ? (before[column - 2] ?? row) + 1 : limit + 1;
      const insertion = Math.min(previous[column] ?? 0, current[column - 1] ?? 0) + 1;
      current.push(Math.min(substitution, insertion, exchange));
    }
    if (Math.min(...current, ...previous) > limit) return limit + 1;
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? limit + 1;
}
