/** Names that nothing defines: all of them at once, each with who refers to it and what might have been meant. */

import { type Problem, quote } from '../diag/index.ts';
import type { BpfObject } from '../object/index.ts';
import { describeSymbol, symbolAt } from './problems.ts';
import { referencesTo } from './references.ts';
import { isKernelName, type Resolution, type SymbolGroup } from './resolve.ts';

/** How many references of one name are shown. */
const SHOWN_REFERENCES = 3;

export function undefinedProblems(
  objects: readonly BpfObject[],
  resolution: Resolution,
  isNeeded: (group: SymbolGroup) => boolean = () => true,
): Problem[] {
  const missing = resolution.groups.filter(group => isMissing(objects, group) && isNeeded(group));
  if (missing.length === 0) return [];
  const candidates = candidateNames(objects);
  return missing.map(group => missingProblem(objects, resolution, group, candidates));
}

function isMissing(objects: readonly BpfObject[], group: SymbolGroup): boolean {
  const symbol = symbolAt(objects, group.winner);
  return !group.defined && group.strongReference && symbol !== undefined && !isKernelName(symbol);
}

function missingProblem(
  objects: readonly BpfObject[],
  resolution: Resolution,
  group: SymbolGroup,
  candidates: Candidates,
): Problem {
  const object = objects[group.winner.file];
  const symbol = symbolAt(objects, group.winner);
  const declaration =
    object === undefined || symbol === undefined ? group.name : describeSymbol(object, symbol);
  const hint = suggestion(group.name, candidates);
  return {
    code: 'link-undefined',
    class: 'input',
    where: [object?.name ?? ''],
    message: `${quote(group.name)} is not defined in any input`,
    details: [declaration, ...referenceLines(objects, resolution, group)],
    ...(hint === null ? {} : { hint }),
  };
}

function referenceLines(objects: readonly BpfObject[], resolution: Resolution, group: SymbolGroup): string[] {
  const lines = referencesTo(objects, resolution, resolution.groups.indexOf(group)).map(
    site =>
      `referred to by ${site.file}: ${quote(site.symbol)}, at ${site.position}${site.source === null ? '' : `, ${site.source}`}`,
  );
  if (lines.length <= SHOWN_REFERENCES) return lines;
  return [...lines.slice(0, SHOWN_REFERENCES), `and ${lines.length - SHOWN_REFERENCES} more references`];
}

interface Candidates {
  readonly globals: readonly string[];
  /** Name → file that defines it as static. */
  readonly statics: ReadonlyMap<string, string>;
}

function candidateNames(objects: readonly BpfObject[]): Candidates {
  const globals = new Set<string>();
  const statics = new Map<string, string>();
  for (const object of objects) {
    for (const symbol of object.symbols) {
      if (symbol.kind === 'extern' || symbol.name === '') continue;
      if (symbol.binding !== 'local') globals.add(symbol.name);
      else if (!statics.has(symbol.name)) statics.set(symbol.name, object.name);
    }
  }
  return { globals: [...globals], statics };
}

function suggestion(name: string, candidates: Candidates): string | null {
  const file = candidates.statics.get(name);
  if (file !== undefined) return `${quote(name)} is defined as static in ${file}: remove "static" there`;
  const near = nearestNames(name, candidates.globals);
  return near.length === 0
    ? 'add the file that defines it, declare it __weak, or link with -r to leave it open'
    : `did you mean ${near.map(quote).join(' or ')}?`;
}

/** Up to two names within a third of the length in edits, nearest first. */
export function nearestNames(name: string, candidates: readonly string[]): string[] {
  const limit = Math.max(1, Math.floor(name.length / 3));
  return candidates
    .map(candidate => ({ candidate, distance: editDistance(name, candidate, limit) }))
    .filter(entry => entry.distance <= limit)
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, 2)
    .map(entry => entry.candidate);
}

/** Levenshtein distance, or `limit + 1` as soon as it must exceed `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    if (Math.min(...current) > limit) return limit + 1;
    previous = current;
  }
  return previous[b.length] ?? limit + 1;
}
