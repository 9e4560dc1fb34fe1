/**
 * Symbol resolution: one winner for every name.
 *
 * The strength of definitions is judged among definitions only: a strong one beats weak ones and tentative (common)
 * ones, two strong ones are an error, the first of several weak ones wins. References only decide whether an
 * unresolved name is an error. This is what ELF linkers do.
 *
 * Differs from libbpf: there a strong `extern` makes a weak definition strong, so that the order of files decides
 * whether two definitions clash.
 *
 * Names are looked up in scopes: all inputs of a link share one; every component of a re-link has its own. Names that
 * the kernel resolves (`.ksyms`, `.kconfig`) are the same in all scopes.
 */

import type { Problem } from '../diag/index.ts';
import { type BpfObject, type BpfSymbol, type SymbolIndex, sectionOf } from '../object/index.ts';
import { duplicateProblem } from './problems.ts';

/** One symbol of one input. */
export interface SymbolAt {
  readonly file: number;
  readonly index: SymbolIndex;
}

/** All symbols of one name in one scope. */
export interface SymbolGroup {
  readonly name: string;
  readonly scope: number;
  /** The definition that counts, or the first extern when there is none. */
  readonly winner: SymbolAt;
  readonly defined: boolean;
  /** Definitions that lost to the winner, in input order. */
  readonly losers: readonly SymbolAt[];
  /** References without a definition of their own, the winner not among them. */
  readonly externs: readonly SymbolAt[];
  /** True when at least one extern is not weak. */
  readonly strongReference: boolean;
  /** True when any of them is hidden: the most constraining visibility wins. */
  readonly hidden: boolean;
}

export interface Resolution {
  readonly groups: readonly SymbolGroup[];
  /** For each input: symbol index → position in `groups`; -1 for local symbols. */
  readonly groupOf: readonly Int32Array[];
  readonly problems: readonly Problem[];
}

export interface ResolveOptions {
  /** Scope of each input; default: all share scope 0. */
  readonly scopes?: readonly number[];
  /** Names that all scopes share: definitions that agree become one. */
  readonly shared?: (name: string) => boolean;
  /** Symbols that are bound explicitly and take no part. */
  readonly detached?: readonly SymbolAt[];
}

/** Scope of the names that the kernel resolves. */
const KERNEL_SCOPE = -1;
/** Scope of names that components share on request. */
const SHARED_SCOPE = -2;
/** Sections whose symbols are merged by section, not by name. */
export const FOLDED_SECTIONS: ReadonlySet<string> = new Set(['license', 'version']);

export function resolve(objects: readonly BpfObject[], options: ResolveOptions = {}): Resolution {
  const drafts: GroupDraft[] = [];
  const tables = new Map<number, Map<string, number>>();
  const groupOf = objects.map(object => new Int32Array(object.symbols.length).fill(-1));
  objects.forEach((object, file) => {
    const detached = new Set(options.detached?.filter(at => at.file === file).map(at => at.index));
    object.symbols.forEach((symbol, index) => {
      if (symbol.binding === 'local' || isFolded(object, symbol) || detached.has(index)) return;
      const group = groupNumber(tables, drafts, symbol, scopeFor(options, symbol, file));
      const members = groupOf[file];
      if (members !== undefined) members[index] = group;
      addMember(drafts[group], symbol, { file, index });
    });
  });
  const problems: Problem[] = [];
  const groups = drafts.map(draft =>
    settle(objects, options.shared?.(draft.name) === true ? foldShared(draft) : draft, problems),
  );
  return { groups, groupOf, problems };
}

interface GroupDraft {
  readonly name: string;
  readonly scope: number;
  readonly strong: SymbolAt[];
  readonly weak: SymbolAt[];
  readonly common: SymbolAt[];
  readonly externs: SymbolAt[];
  strongReference: boolean;
  hidden: boolean;
}

function isFolded(object: BpfObject, symbol: BpfSymbol): boolean {
  return symbol.kind === 'variable' && FOLDED_SECTIONS.has(sectionOf(object, symbol)?.name ?? '');
}

function scopeFor(options: ResolveOptions, symbol: BpfSymbol, file: number): number {
  if (options.scopes === undefined) return 0;
  if (isKernelName(symbol)) return KERNEL_SCOPE;
  return options.shared?.(symbol.name) === true ? SHARED_SCOPE : (options.scopes[file] ?? 0);
}

/** Of several strong definitions the first counts; whether the others agree is checked like any reference. */
function foldShared(draft: GroupDraft): GroupDraft {
  const [first, ...others] = draft.strong;
  return first === undefined ? draft : { ...draft, strong: [first], weak: [...others, ...draft.weak] };
}

/** An extern that the loader resolves against the kernel: kernel symbols, kernel functions, configuration values. */
export function isKernelName(symbol: BpfSymbol): boolean {
  return symbol.kind === 'extern' && (symbol.section === '.ksyms' || symbol.section === '.kconfig');
}

function groupNumber(
  tables: Map<number, Map<string, number>>,
  drafts: GroupDraft[],
  symbol: BpfSymbol,
  scope: number,
): number {
  let table = tables.get(scope);
  if (table === undefined) {
    table = new Map();
    tables.set(scope, table);
  }
  const known = table.get(symbol.name);
  if (known !== undefined) return known;
  table.set(symbol.name, drafts.length);
  drafts.push({
    name: symbol.name,
    scope,
    strong: [],
    weak: [],
    common: [],
    externs: [],
    strongReference: false,
    hidden: false,
  });
  return drafts.length - 1;
}

function addMember(group: GroupDraft | undefined, symbol: BpfSymbol, at: SymbolAt): void {
  if (group === undefined) return;
  group.hidden ||= symbol.visibility === 'hidden';
  if (symbol.kind === 'extern') {
    group.externs.push(at);
    group.strongReference ||= symbol.binding !== 'weak';
  } else if (symbol.kind === 'variable' && symbol.common === true) group.common.push(at);
  else if (symbol.binding === 'weak') group.weak.push(at);
  else group.strong.push(at);
}

function settle(objects: readonly BpfObject[], draft: GroupDraft, problems: Problem[]): SymbolGroup {
  const { name, scope, strong, weak, common, externs, strongReference, hidden } = draft;
  const rest = { name, scope, strongReference, hidden };
  if (strong.length > 1) problems.push(duplicateProblem(objects, name, strong));
  const largest = largestCommon(objects, common);
  const winner = strong[0] ?? largest ?? weak[0];
  if (winner === undefined) return unresolvedGroup(rest, externs);
  const losers = [...strong, ...common, ...weak].filter(at => at !== winner).sort(inputOrder);
  return { ...rest, winner, defined: true, losers, externs };
}

function unresolvedGroup(
  rest: Pick<SymbolGroup, 'name' | 'scope' | 'strongReference' | 'hidden'>,
  externs: readonly SymbolAt[],
): SymbolGroup {
  const [winner = { file: 0, index: 0 }, ...others] = externs; // a group is made for its first member
  return { ...rest, winner, defined: false, losers: [], externs: others };
}

function largestCommon(objects: readonly BpfObject[], common: readonly SymbolAt[]): SymbolAt | undefined {
  let best: SymbolAt | undefined;
  let bestSize = -1;
  for (const at of common) {
    const symbol = objects[at.file]?.symbols[at.index];
    const size = symbol?.kind === 'variable' ? symbol.size : 0;
    if (size > bestSize) {
      best = at;
      bestSize = size;
    }
  }
  return best;
}

function inputOrder(a: SymbolAt, b: SymbolAt): number {
  return a.file - b.file || a.index - b.index;
}
