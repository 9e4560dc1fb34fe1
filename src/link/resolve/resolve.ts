/**
 * Symbol resolution: one definition for every name.
 *
 * The strength of definitions is compared among definitions only: a strong one overrides weak and tentative
 * (common) ones, two strong ones are an error, the first of several weak ones is chosen. References only
 * decide whether an undefined name is an error. This is what ELF linkers do.
 *
 * Differs from libbpf: there a strong `extern` makes a weak definition strong, so that the order of files
 * decides whether two definitions clash.
 *
 * Names are looked up in scopes: all inputs of a link share one; every component of a re-link has its own.
 * Names that the kernel resolves (`.ksyms`, `.kconfig`) are the same in all scopes.
 */

import { elementAt } from '../../bytes/index.ts';
import type { Problem } from '../../diag/index.ts';
import { type BpfObject, type BpfSymbol, isCommon, sectionNameOf } from '../../object/index.ts';
import { type Dropped, droppedGroups, droppedReferences } from './comdat.ts';
import { entryAt, type SymbolAt, symbolAt } from './symbol-at.ts';

/** All symbols of one name in one scope. */
export interface SymbolGroup {
  readonly name: string;
  readonly scope: number;
  /** The chosen definition, or the first extern if there is none. */
  readonly winner: SymbolAt;
  readonly defined: boolean;
  /** Definitions that the winner overrides, in input order. */
  readonly losers: readonly SymbolAt[];
  /** Several strong definitions that are not one, in input order: an error. Else empty. */
  readonly clashing: readonly SymbolAt[];
  /** References without a definition of their own, the winner not among them. */
  readonly externs: readonly SymbolAt[];
  /** True when at least one extern is not weak. */
  readonly strongReference: boolean;
  /** True if any of them is hidden: the most constraining visibility applies. */
  readonly hidden: boolean;
}

export interface Resolution {
  readonly groups: readonly SymbolGroup[];
  /** For each input: symbol index → position in `groups`; -1 for local symbols. */
  readonly groupOf: readonly Int32Array[];
  /** Without the names that clash: see `duplicateProblem`. */
  readonly problems: readonly Problem[];
  /** Symbols of COMDAT groups that another input keeps. */
  readonly dropped: Dropped;
}

export interface ResolveOptions {
  /** Scope of each input; default: all share scope 0. */
  readonly scopes?: readonly number[];
  /** Names that all scopes share: definitions that agree become one. */
  readonly shared?: (name: string) => boolean;
  /** Definitions that are one map although each of them is strong, if all of a name are such: pinned maps. */
  readonly united?: (at: SymbolAt) => boolean;
  /** Symbols that are bound explicitly and take no part. */
  readonly detached?: readonly SymbolAt[];
}

/** Scope of the names that the kernel resolves. */
const KERNEL_SCOPE = -1;
/** Scope of names that components share on request. */
export const SHARED_SCOPE = -2;
/** Sections whose symbols are merged by section, not by name. */
export const SINGLE_SECTIONS: ReadonlySet<string> = new Set(['license', 'version']);

/** The group of a symbol; undefined for local symbols and others that take no part. */
export function groupAt({ groups, groupOf }: Resolution, at: SymbolAt): SymbolGroup | undefined {
  const group = entryAt(groupOf, at);
  return group < 0 ? undefined : groups[group];
}

export function resolve(objects: readonly BpfObject[], options: ResolveOptions = {}): Resolution {
  const drafts: GroupDraft[] = [];
  const tables = new Map<number, Map<string, number>>();
  const groupOf = objects.map(object => new Int32Array(object.symbols.length).fill(-1));
  const { scopes } = options;
  const dropped = droppedGroups(objects, file => (scopes === undefined ? 0 : elementAt(scopes, file)));
  objects.forEach((object, file) => {
    const detached = new Set(options.detached?.filter(at => at.file === file).map(at => at.index));
    const numbers = elementAt(groupOf, file);
    const gone = elementAt(dropped, file);
    object.symbols.forEach((symbol, index) => {
      if (symbol.binding === 'local' || isSingle(object, symbol) || detached.has(index)) return;
      const at = { file, index };
      numbers[index] = addMember(
        tables,
        drafts,
        symbol,
        scopeFor(options, symbol, file),
        at,
        gone.has(index),
      );
    });
  });
  const groups = drafts.map(draft => {
    const complete = withDefinition(objects, draft);
    return settle(objects, complete, mayAgree(objects, complete, options));
  });
  return { groups, groupOf, problems: droppedReferences(objects, dropped), dropped };
}

/**
 * Whether several strong definitions can be one. Components do not share functions of their own: two of one
 * name are two pieces of code, of which only one would be called.
 */
function mayAgree(objects: readonly BpfObject[], draft: GroupDraft, options: ResolveOptions): boolean {
  if (draft.members.length < 2) return false;
  if (options.shared?.(draft.name) !== true) {
    const { united } = options;
    return united !== undefined && strongOf(objects, draft.members).every(united);
  }
  return draft.scope !== SHARED_SCOPE || !draft.members.some(at => symbolAt(objects, at).kind === 'function');
}

function strongOf(objects: readonly BpfObject[], members: readonly SymbolAt[]): SymbolAt[] {
  return members.filter(at => strengthOf(symbolAt(objects, at)) === 'strong');
}

interface GroupDraft {
  readonly name: string;
  readonly scope: number;
  /** In input order. */
  readonly members: SymbolAt[];
  /** In COMDAT groups that another input keeps. */
  readonly dropped: SymbolAt[];
}

/** The group that is kept may not define what another one of its signature does. */
function withDefinition(objects: readonly BpfObject[], draft: GroupDraft): GroupDraft {
  const { members, dropped } = draft;
  if (dropped.length === 0 || members.some(at => symbolAt(objects, at).kind !== 'extern')) return draft;
  return { ...draft, members: [...members, ...dropped], dropped: [] };
}

/** License and version: found by their section, one of each in a result; their names do not count. */
export function isSingle(object: BpfObject, symbol: BpfSymbol): boolean {
  return symbol.kind === 'variable' && SINGLE_SECTIONS.has(sectionNameOf(object, symbol));
}

function scopeFor(options: ResolveOptions, symbol: BpfSymbol, file: number): number {
  if (options.scopes === undefined) return 0;
  if (isKernelName(symbol)) return KERNEL_SCOPE;
  return options.shared?.(symbol.name) === true ? SHARED_SCOPE : elementAt(options.scopes, file);
}

/**
 * An extern that the loader resolves against the kernel: kernel symbols, kernel functions, configuration
 * values.
 */
export function isKernelName(symbol: BpfSymbol): boolean {
  return symbol.kind === 'extern' && (symbol.section === '.ksyms' || symbol.section === '.kconfig');
}

/** Number of the group of the symbol's name, which is made for its first member. */
function addMember(
  tables: Map<number, Map<string, number>>,
  drafts: GroupDraft[],
  symbol: BpfSymbol,
  scope: number,
  at: SymbolAt,
  isDropped: boolean,
): number {
  let table = tables.get(scope);
  if (table === undefined) {
    table = new Map();
    tables.set(scope, table);
  }
  const number = table.get(symbol.name) ?? drafts.length;
  if (number === drafts.length) {
    table.set(symbol.name, number);
    drafts.push({ name: symbol.name, scope, members: [], dropped: [] });
  }
  const draft = elementAt(drafts, number);
  (isDropped ? draft.dropped : draft.members).push(at);
  return number;
}

function settle(objects: readonly BpfObject[], draft: GroupDraft, shared: boolean): SymbolGroup {
  const { name, scope, members } = draft;
  const [winner, ...others] = members;
  if (winner !== undefined && others.length + draft.dropped.length === 0)
    return loneGroup(objects, draft, winner);
  const sorted = sortMembers(objects, members, shared);
  const { strongReference, hidden } = sorted;
  const best = sorted.strong[0] ?? largestCommon(objects, sorted.common) ?? sorted.weak[0];
  if (best === undefined) {
    const open = openWinner(objects, members);
    return {
      name,
      scope,
      winner: open,
      defined: false,
      losers: NOBODY,
      clashing: NOBODY,
      externs: members.filter(at => at !== open),
      strongReference,
      hidden,
    };
  }
  const losers = [...sorted.strong, ...sorted.common, ...sorted.weak, ...draft.dropped]
    .filter(at => at !== best)
    .sort(inputOrder);
  return {
    name,
    scope,
    winner: best,
    defined: true,
    losers,
    clashing: sorted.strong.length > 1 ? sorted.strong : NOBODY,
    externs: sorted.externs,
    strongReference,
    hidden,
  };
}

/**
 * Of externs the one that is resolved in the kernel, if any: the loader then resolves all of them there. Else
 * the one with the fullest declaration: with a section, with a type.
 */
function openWinner(objects: readonly BpfObject[], members: readonly SymbolAt[]): SymbolAt {
  const first = (test: (symbol: BpfSymbol) => boolean): SymbolAt | undefined =>
    members.find(at => test(symbolAt(objects, at)));
  return (
    first(isKernelName) ??
    first(symbol => symbol.kind === 'extern' && symbol.section !== null) ??
    first(symbol => symbol.btfId !== 0) ??
    elementAt(members, 0) // a group is made for its first member
  );
}

const NOBODY: readonly SymbolAt[] = [];

/** Most names have one definition and no references in other files. */
function loneGroup(objects: readonly BpfObject[], draft: GroupDraft, winner: SymbolAt): SymbolGroup {
  const symbol = symbolAt(objects, winner);
  const defined = symbol.kind !== 'extern';
  const strongReference = !defined && symbol.binding !== 'weak';
  const hidden = symbol.visibility === 'hidden';
  const { name, scope } = draft;
  const nobody = { losers: NOBODY, clashing: NOBODY, externs: NOBODY };
  return { name, scope, winner, defined, ...nobody, strongReference, hidden };
}

interface SortedMembers {
  readonly strong: readonly SymbolAt[];
  readonly weak: readonly SymbolAt[];
  readonly common: readonly SymbolAt[];
  readonly externs: readonly SymbolAt[];
  readonly strongReference: boolean;
  readonly hidden: boolean;
}

/**
 * Of the strong definitions of a shared name the first is chosen, of maps the first with initial entries;
 * whether the others agree is checked like any reference.
 */
function sortMembers(
  objects: readonly BpfObject[],
  members: readonly SymbolAt[],
  shared: boolean,
): SortedMembers {
  const lists = {
    strong: [] as SymbolAt[],
    weak: [] as SymbolAt[],
    common: [] as SymbolAt[],
    externs: [] as SymbolAt[],
  };
  let [strongReference, hidden] = [false, false];
  for (const at of members) {
    const symbol = symbolAt(objects, at);
    hidden ||= symbol.visibility === 'hidden';
    strongReference ||= symbol.kind === 'extern' && symbol.binding !== 'weak';
    lists[strengthOf(symbol)].push(at);
  }
  const { strong, weak, common, externs } = lists;
  if (!shared) return { strong, weak, common, externs, strongReference, hidden };
  const first = strong.find(at => hasEntries(objects, at)) ?? strong[0];
  const later = [...strong.filter(at => at !== first), ...weak];
  return {
    strong: first === undefined ? [] : [first],
    weak: later,
    common,
    externs,
    strongReference,
    hidden,
  };
}

function hasEntries(objects: readonly BpfObject[], at: SymbolAt): boolean {
  const symbol = symbolAt(objects, at);
  return symbol.kind === 'map' && symbol.references.length > 0;
}

function strengthOf(symbol: BpfSymbol): 'strong' | 'weak' | 'common' | 'externs' {
  if (symbol.kind === 'extern') return 'externs';
  if (isCommon(symbol)) return 'common';
  return symbol.binding === 'weak' ? 'weak' : 'strong';
}

function largestCommon(objects: readonly BpfObject[], common: readonly SymbolAt[]): SymbolAt | undefined {
  let best: SymbolAt | undefined;
  let bestSize = -1;
  for (const at of common) {
    const symbol = symbolAt(objects, at);
    const size = symbol.kind === 'variable' ? symbol.size : 0;
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
