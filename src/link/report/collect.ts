/** What garbage collection keeps of a combined object, and why. */

import { elementAt } from '../../bytes/index.ts';
import { didYouMean, type Problem, problem, quote } from '../../diag/index.ts';
import {
  type BpfObject,
  isDebugSection,
  type Liveness,
  markLive,
  pathTo,
  programsOf,
  type SymbolIndex,
  sectionNameOf,
  symbolOf,
} from '../../object/index.ts';
import { parseSelector } from '../edit/index.ts';
import { type Combined, defaultRoots } from '../passes/index.ts';
import { fileMatches, inputName } from '../resolve/index.ts';
import type { Discarded } from './report.ts';

export interface CollectOptions {
  /** Names to keep, used or not. */
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

/** What garbage collection leaves of a combined object. */
export interface Collected {
  /** For each symbol. */
  readonly live: readonly boolean[];
  readonly paths: readonly LivePath[];
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

/** Keeps what a root or a kept name reaches, and debug information. Nothing is dropped yet. */
export function collectGarbage(
  combined: Combined,
  objects: readonly BpfObject[],
  options: CollectOptions,
): Collected {
  const { object } = combined;
  const kept = keptSymbols(combined, objects, options.keep);
  const liveness = markLive(object, [...defaultRoots(object), ...kept.indexes]);
  const { paths, problems } = livePaths(combined, liveness, options.whyLive, { objects });
  return {
    live: liveness.live.map((alive, index) => alive || isDebug(object, index)),
    paths,
    problems: [...kept.problems, ...problems],
    notes: options.keep.length > 0 || programsOf(object).length > 0 ? [] : [NO_PROGRAM],
  };
}

/** Symbols that `keep` names; a word is a name or `FILE:NAME`. */
export function keptSymbols(
  combined: Combined,
  objects: readonly BpfObject[],
  words: readonly string[],
): { readonly indexes: readonly SymbolIndex[]; readonly problems: readonly Problem[] } {
  const found = words.map(word => ({ word, indexes: indexesOf(combined, objects, word) }));
  return {
    indexes: found.flatMap(({ indexes }) => indexes),
    problems: found
      .filter(({ indexes }) => indexes.length === 0)
      .map(({ word }) => unknownName(combined.object, '--keep', word)),
  };
}

export interface PathOptions {
  readonly objects: readonly BpfObject[];
  /** Later name of a symbol, if it is kept. Default: its own. */
  readonly finalName?: (index: SymbolIndex) => string | undefined;
}

/**
 * Why the symbols of these names are there: one path for each symbol. Words may also be names of the result.
 */
export function livePaths(
  combined: Combined,
  liveness: Liveness,
  words: readonly string[],
  { objects, finalName }: PathOptions,
): { readonly paths: readonly LivePath[]; readonly problems: readonly Problem[] } {
  const { symbols } = combined.object;
  const nameOf = (index: SymbolIndex): string => finalName?.(index) ?? symbolOf(combined.object, index).name;
  const problems: Problem[] = [];
  const paths = words.flatMap(word => {
    const named = indexesOf(combined, objects, word);
    const found =
      named.length > 0 ? named : symbols.flatMap((_, index) => (nameOf(index) === word ? [index] : []));
    if (found.length === 0) problems.push(unknownName(combined.object, '--why-live', word));
    return found.map((index): LivePath => {
      const path = pathTo(liveness, index).map(nameOf);
      return { name: path.at(-1) ?? nameOf(index), path };
    });
  });
  return { paths, problems };
}

const NO_PROGRAM = 'no input has a program: with --gc-sections, and without --keep, almost nothing is kept';

/** Symbols that a word names: `NAME`, or `FILE:NAME` for that of one input. */
export function indexesOf(combined: Combined, objects: readonly BpfObject[], word: string): SymbolIndex[] {
  const { file, name } = parseSelector(word);
  return combined.object.symbols.flatMap((symbol, index) => {
    if (symbol.name !== name) return [];
    const from = inputName(objects, elementAt(combined.origins, index).file);
    return file === undefined || fileMatches(from, file) ? [index] : [];
  });
}

function isDebug(object: BpfObject, index: SymbolIndex): boolean {
  const symbol = object.symbols[index];
  return symbol?.kind === 'variable' && isDebugSection(sectionNameOf(object, symbol));
}

/** The problem of a name in an option that no symbol has. */
export function unknownName(object: BpfObject, option: string, name: string): Problem {
  const names = object.symbols.map(symbol => symbol.name);
  return problem('link-unknown-symbol', [], `${option} ${quote(name)}: no input has such a symbol`, {
    subject: name,
    ...didYouMean(name, names),
  });
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
        file: inputName(objects, elementAt(combined.origins, index).file),
        size,
        reason: 'unused',
        winner: null,
      },
    ];
  });
}
