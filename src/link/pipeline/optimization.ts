/**
 * The last step of a link: the programs of the result are optimized, if requested.
 *
 * Separate from the phases: everything that reports describe (slots, owners of state, paths to what is kept) is
 * known of the object before, in which every function is still there.
 */

import { elementAt, given } from '../../bytes/index.ts';
import { type Problem, type ProblemList, problem, quote } from '../../diag/index.ts';
import { type BpfObject, type SymbolIndex, symbolOf } from '../../object/index.ts';
import { optimize, unknownNames } from '../optimize/index.ts';
import type { OptimizeOptions } from '../optimize/model/index.ts';
import { checkLimits } from '../passes/index.ts';
import type { Finished } from '../report/index.ts';
import { indexesOf, unknownName } from '../report/index.ts';
import type { Merged, Named } from './pipeline.ts';

/** What a driver asks of the last step. */
export interface OptimizationRequest {
  /** `CommonLinkOptions.optimize`, with the default of the driver. */
  readonly asked: boolean | OptimizeOptions;
  /** Functions that are inlined are removed, global ones too. */
  readonly removeInlined: boolean;
  /** Names of `keep`: functions of these names stay. */
  readonly keep: readonly string[];
  /** Symbols of the merged object that something is to replace. */
  readonly slots: readonly SymbolIndex[];
  /** Further names of symbols of the merged object: those of the slots that they fill. */
  readonly aliases: ReadonlyMap<string, SymbolIndex>;
  /** Limits of the verifier are problems. */
  readonly checkLimits: boolean;
}

/** Whether `CommonLinkOptions.optimize` requests anything. */
export function isOptimized(asked: boolean | OptimizeOptions): boolean {
  return asked !== false;
}

/** Optimizes the result, and checks its limits afterwards. */
export function finishNamed(
  named: Named,
  request: OptimizationRequest,
  problems: ProblemList,
): Finished | undefined {
  const { asked } = request;
  if (!isOptimized(asked)) return { object: named.object, optimization: null, indexes: null };
  const options = typeof asked === 'boolean' ? {} : asked;
  const { noInline: words = [] } = options;
  const noInline = staying(named, request, words, problems);
  problems.add(unknownNames(named.object, given({ programs: options.programs })));
  if (!problems.isEmpty) return undefined;
  const { removeInlined } = request;
  const { object, report } = optimize(named.object, { removeInlined, ...options, noInline });
  if (request.checkLimits) problems.add(checkLimits(object));
  if (!problems.isEmpty) return undefined;
  return { object, optimization: report, indexes: survivors(named.object, object) };
}

// --- functions that stay ------------------------------------------------------------------------------------------

/** Names in the result of functions that stay as they are. */
function staying(
  named: Named,
  request: OptimizationRequest,
  words: readonly string[],
  problems: ProblemList,
): readonly string[] {
  const { merged } = named.pruned;
  const { objects } = merged.resolved.request;
  const asked = words.flatMap(word => {
    const found = namedFunctions(named, request, word);
    problems.add(found.problems);
    return found.names;
  });
  const kept = request.keep.flatMap(word => indexesOf(merged.combined, objects, word));
  return [...new Set([...asked, ...namesIn(named, [...kept, ...request.slots])])];
}

/** Functions that a word of `noInline` names: as inputs name them, as the result does, or by their slot. */
function namedFunctions(
  named: Named,
  { aliases }: OptimizationRequest,
  word: string,
): { readonly names: readonly string[]; readonly problems: readonly Problem[] } {
  const { merged } = named.pruned;
  const alias = aliases.get(word);
  const indexes = [
    ...indexesOf(merged.combined, merged.resolved.request.objects, word),
    ...(alias === undefined ? [] : [alias]),
  ];
  const final = named.object.symbols.filter(symbol => symbol.name === word);
  const symbols = [...indexes.map(index => symbolOf(merged.combined.object, index)), ...final];
  const [first] = symbols;
  if (first === undefined) return { names: [], problems: [unknownName(named.object, '--no-inline', word)] };
  if (symbols.every(({ kind }) => kind !== 'function'))
    return { names: [], problems: [notFunction(word, first.kind)] };
  const names = final.flatMap(({ kind, name }) => (kind === 'function' ? [name] : []));
  return { names: [...names, ...namesIn(named, indexes)], problems: [] };
}

function notFunction(word: string, kind: string): Problem {
  const what = kind === 'extern' ? 'an extern' : `a ${kind}`;
  return problem(
    'link-optimize',
    [],
    `--no-inline ${quote(word)}: it is ${what}, not a function of an input`,
    {
      subject: word,
    },
  );
}

/** Names in the result of symbols of the merged object that are functions there. */
function namesIn({ object, pruned }: Named, indexes: readonly SymbolIndex[]): readonly string[] {
  const later = indexesAfter(pruned.live);
  return indexes.flatMap(index => {
    const symbol = object.symbols[elementAt(later, index)];
    return symbol?.kind === 'function' ? [symbol.name] : [];
  });
}

/** Index in the pruned object for each symbol of the merged one; -1 where it was dropped. */
export function indexesAfter(live: readonly boolean[]): Int32Array {
  const indexes = new Int32Array(live.length).fill(-1);
  let next = 0;
  for (const [index, alive] of live.entries()) if (alive) indexes[index] = next++;
  return indexes;
}

// --- functions that are gone --------------------------------------------------------------------------------------

/** Index after for each symbol before: symbols keep their order, and some are gone. */
function survivors(before: BpfObject, after: BpfObject): Int32Array | null {
  if (before.symbols.length === after.symbols.length) return null;
  let next = 0;
  return Int32Array.from(before.symbols, symbol => {
    const candidate = after.symbols[next];
    return candidate?.kind === symbol.kind && candidate.name === symbol.name ? next++ : -1;
  });
}

// --- requests -----------------------------------------------------------------------------------------------------

/** Functions of the merged object that an input defines as weak: whoever links or loads the result may replace them. */
export function weakFunctions({ combined, resolved }: Merged): readonly SymbolIndex[] {
  const { objects } = resolved.request;
  return combined.origins.flatMap(({ file, index }, at) => {
    const symbol = symbolOf(elementAt(objects, file), index);
    return symbol.kind === 'function' && symbol.binding === 'weak' ? [at] : [];
  });
}
