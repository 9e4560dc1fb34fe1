/** Garbage collection of a combined object, and what there is to say about it. */

import { type Problem, quote } from '../diag/index.ts';
import { type BpfObject, isDebugSection, programsOf, type SymbolIndex, sectionOf } from '../object/index.ts';
import type { Combined } from './combine.ts';
import { defaultRoots, type Liveness, markLive, pathTo } from './gc.ts';
import { narrow } from './narrow.ts';
import type { Discarded } from './report.ts';
import { nearestNames } from './undefined.ts';

export interface CollectOptions {
  /** Names that stay, used or not. */
  readonly keep: readonly string[];
  /** Names whose path from a root is wanted. */
  readonly whyLive: readonly string[];
}

/** Why a symbol is in the result. */
export interface LivePath {
  readonly name: string;
  /** From a root to the symbol, by name; empty when it was collected. */
  readonly path: readonly string[];
}

export interface Collected {
  readonly combined: Combined;
  readonly live: readonly boolean[];
  readonly paths: readonly LivePath[];
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

/** Drops what neither a root nor a kept name reaches, and the types that nothing needs any more. */
export function collectGarbage(combined: Combined, options: CollectOptions): Collected {
  const { object } = combined;
  const kept = options.keep.map(name => ({ name, indexes: indexesOf(object, name) }));
  const liveness = markLive(object, [...defaultRoots(object), ...kept.flatMap(entry => entry.indexes)]);
  const live = liveness.live.map((alive, index) => alive || isDebug(object, index));
  return {
    combined: narrow(combined, live, { pruneTypes: true }),
    live,
    paths: options.whyLive.flatMap(name => pathsOf(object, liveness, name)),
    problems: [
      ...kept
        .filter(entry => entry.indexes.length === 0)
        .map(entry => unknownName(object, '--keep', entry.name)),
      ...options.whyLive
        .filter(name => indexesOf(object, name).length === 0)
        .map(name => unknownName(object, '--why-live', name)),
    ],
    notes: kept.length > 0 || programsOf(object).length > 0 ? [] : [NO_PROGRAM],
  };
}

const NO_PROGRAM = 'no input has a program: with --gc-sections, and without --keep, next to nothing is left';

function indexesOf(object: BpfObject, name: string): SymbolIndex[] {
  return object.symbols.flatMap((symbol, index) => (symbol.name === name ? [index] : []));
}

function isDebug(object: BpfObject, index: SymbolIndex): boolean {
  const symbol = object.symbols[index];
  return symbol?.kind === 'variable' && isDebugSection(sectionOf(object, symbol)?.name ?? '');
}

function pathsOf(object: BpfObject, liveness: Liveness, name: string): LivePath[] {
  return indexesOf(object, name).map(index => ({
    name,
    path: pathTo(liveness, index).map(step => object.symbols[step]?.name ?? ''),
  }));
}

function unknownName(object: BpfObject, option: string, name: string): Problem {
  const near = nearestNames(
    name,
    object.symbols.map(symbol => symbol.name),
  );
  return {
    code: 'link-unknown-symbol',
    class: 'usage',
    where: [],
    message: `${option} ${quote(name)}: no input has such a symbol`,
    ...(near.length === 0 ? {} : { hint: `did you mean ${near.map(quote).join(' or ')}?` }),
  };
}

/** Symbols that were not reached, for reports. */
export function unusedSymbols(
  objects: readonly BpfObject[],
  combined: Combined,
  live: readonly boolean[],
): Discarded[] {
  return combined.object.symbols.flatMap((symbol, index): Discarded[] => {
    if (live[index] === true || symbol.name === '') return [];
    const size = symbol.kind === 'function' ? symbol.code.length : symbol.kind === 'extern' ? 0 : symbol.size;
    return [
      {
        name: symbol.name,
        kind: symbol.kind,
        file: objects[combined.origins[index]?.file ?? 0]?.name ?? '',
        size,
        reason: 'unused',
        winner: null,
      },
    ];
  });
}
