/**
 * Combines a consumer and the providers that it shares code or state with into one object to load.
 *
 * Code of providers is copied in as far as it is needed; their maps and globals are not: each is left as a
 * map of its own, laid out exactly as the provider's, to be replaced at load by the provider's live one.
 * Every object keeps a scope of names of its own. The consumer's part keeps its names and layout, so that it
 * can be a provider itself.
 */

import { elementAt } from '../../bytes/index.ts';
import { bugError, type Problem, ProblemList, problem, quote } from '../../diag/index.ts';
import {
  type Combined,
  labelsFor,
  type Merged,
  mergeAtoms,
  type Naming,
  nameAtoms,
  type Pruned,
  pruneAtoms,
  type ResolveRequest,
  resolveNames,
  type Selection,
  type SymbolAt,
  separateNames,
  unedited,
} from '../../link/index.ts';
import {
  type BpfObject,
  globalsKind,
  isDebugSection,
  layoutSections,
  sectionAt,
  sectionNameOf,
  symbolOf,
} from '../../object/index.ts';
import { findExport } from './exports.ts';
import { liveWithSections } from './own-sections.ts';
import { type Join, type Part, preparePart } from './part.ts';
import { type Provider, withImports } from './provider.ts';

/** A live map that replaces one that would be created. */
export interface SharedMap {
  readonly provider: Provider;
  /** Name in the plan of the provider's load. */
  readonly name: string;
}

/** A definition of a provider that a provider's code in the result refers to. */
export interface IndirectJoin {
  readonly consumer: Provider;
  readonly extern: string;
  readonly provider: Provider;
  readonly target: string;
  readonly kind: 'function' | 'variable' | 'map';
}

export interface Composed {
  readonly object: BpfObject;
  /** By name in the plan of the result's load. */
  readonly shared: ReadonlyMap<string, SharedMap>;
  /** Variables of providers that are externs of the consumer, as `SECTION:NAME` of the result. */
  readonly joined: ReadonlySet<string>;
  readonly indirect: readonly IndirectJoin[];
  /** Symbol of the consumer → symbol of the result. */
  readonly indexOf: Int32Array;
  readonly problems: readonly Problem[];
}

/** Combines a consumer with what it needs of providers. Problems are returned as data. */
export function compose(consumer: BpfObject, joins: readonly Join[]): Composed {
  const providers = withImports(joins.map(join => join.provider));
  if (providers.length === 0) return alone(consumer);
  const problems = new ProblemList();
  const labels = labelsFor(providers.map(provider => provider.name));
  const parts = providers.map((provider, at) => preparePart(provider, elementAt(labels, at), joins));
  const bindings = collectBindings(providers, joins, problems);
  const resolved = resolveNames(namesOf(consumer, parts, bindings), problems);
  const merged = resolved && mergeAtoms(resolved, unedited, problems);
  const pruned = merged && pruneAtoms(merged, selectReached(merged), problems);
  const named = pruned && nameAtoms(pruned, separateParts(pruned, labels), unedited, problems);
  if (named === undefined) return { ...alone(consumer), problems: problems.all };
  const { object } = named;
  const { combined } = named.pruned;
  requireSameLayout(object, combined, providers);
  return {
    object,
    shared: sharedMaps(object, combined, providers, parts),
    joined: joinedVariables(object, combined, joins),
    indirect: indirectJoins(providers, bindings, joins.length, combined),
    indexOf: elementAt(combined.indexOf, 0),
    problems: [],
  };
}

function alone(object: BpfObject): Composed {
  const indexOf = Int32Array.from(object.symbols, (_, index) => index);
  return { object, shared: new Map(), joined: new Set(), indirect: [], indexOf, problems: [] };
}

// --- steps --------------------------------------------------------------------------------------------------------

/** Every object has a scope of its own; only bindings join them. What stays undefined is up to the loader. */
function namesOf(consumer: BpfObject, parts: readonly Part[], bound: readonly Binding[]): ResolveRequest {
  const objects = [consumer, ...parts.map(part => part.object)];
  return {
    objects,
    name: consumer.name,
    partial: true,
    rules: { scopes: objects.map((_, file) => file) },
    bound,
    replaced: [],
    pinned: null,
    refuseUndefined: 'none',
    explain: { names: [] },
  };
}

/**
 * All of the consumer but debug information; of providers what it reaches, sections of globals always whole.
 */
function selectReached({ combined }: Merged): Selection {
  const { object, origins } = combined;
  const isDebug = (index: number): boolean => {
    const symbol = object.symbols[index];
    return symbol !== undefined && isDebugSection(sectionNameOf(object, symbol));
  };
  const roots = origins.flatMap((at, index) => (at.file === 0 && !isDebug(index) ? [index] : []));
  const isProvided = (index: number): boolean => elementAt(origins, index).file > 0;
  return { live: liveWithSections(object, roots, isProvided), everything: false, problems: [] };
}

/** The consumer keeps its names. */
function separateParts({ combined }: Pruned, labels: readonly string[]): Naming {
  return { renames: separateNames({ combined, labels: [null, ...labels] }), problems: [] };
}

// --- bindings -----------------------------------------------------------------------------------------------------

interface Binding {
  readonly loser: SymbolAt;
  readonly winner: SymbolAt;
}

/** What the consumer requested, then what providers were bound to when they were loaded. */
function collectBindings(
  providers: readonly Provider[],
  joins: readonly Join[],
  problems: ProblemList,
): readonly Binding[] {
  const fileOf = (provider: Provider): number => providers.indexOf(provider) + 1;
  const bindings = joins.map(
    ({ extern, provider, target }): Binding => ({
      loser: { file: 0, index: extern },
      winner: { file: fileOf(provider), index: target },
    }),
  );
  for (const provider of providers) {
    for (const { extern, provider: imported, target } of provider.imports) {
      const found = findExport(imported.object, target);
      if (found === undefined) {
        problems.add([goneProblem(provider, imported, target)]);
        continue;
      }
      bindings.push({
        loser: { file: fileOf(provider), index: extern },
        winner: { file: fileOf(imported), index: found.index },
      });
    }
  }
  return bindings;
}

function goneProblem(provider: Provider, imported: Provider, target: string): Problem {
  return problem(
    'dynamic-import-gone',
    [provider.name],
    `was bound to ${quote(target)} of ${imported.name}, which no longer exists`,
  );
}

/** Bindings after the consumer's own whose two ends are in the result. */
function indirectJoins(
  providers: readonly Provider[],
  bindings: readonly Binding[],
  own: number,
  combined: Combined,
): IndirectJoin[] {
  const present = new Set(combined.origins.map(at => `${at.file}:${at.index}`));
  return bindings.slice(own).flatMap(({ loser, winner }): IndirectJoin[] => {
    const [consumer, provider] = [providers[loser.file - 1], providers[winner.file - 1]];
    const extern = consumer?.object.symbols[loser.index]?.name;
    const target = provider?.object.symbols[winner.index];
    if (consumer === undefined || provider === undefined || extern === undefined || target === undefined)
      return [];
    if (target.kind === 'extern' || !present.has(`${winner.file}:${winner.index}`)) return [];
    return [{ consumer, extern, provider, target: target.name, kind: target.kind }];
  });
}

// --- maps ---------------------------------------------------------------------------------------------------------

function sharedMaps(
  object: BpfObject,
  combined: Combined,
  providers: readonly Provider[],
  parts: readonly Part[],
): Map<string, SharedMap> {
  const shared = new Map<string, SharedMap>();
  object.symbols.forEach((symbol, index) => {
    const at = elementAt(combined.origins, index);
    const provider = providers[at.file - 1];
    if (provider === undefined) return; // file 0 is the consumer
    if (symbol.kind === 'map')
      shared.set(symbol.name, { provider, name: symbolOf(provider.object, at.index).name });
    if (symbol.kind !== 'variable') return;
    const section = sectionAt(object, symbol.section).name;
    const name = parts[at.file - 1]?.sections.get(section);
    if (name !== undefined) shared.set(section, { provider, name });
  });
  return shared;
}

function joinedVariables(object: BpfObject, combined: Combined, joins: readonly Join[]): Set<string> {
  const names = joins.flatMap(({ extern }) => {
    const symbol = object.symbols[combined.indexOf[0]?.[extern] ?? -1];
    return symbol?.kind === 'variable' ? [`${sectionNameOf(object, symbol)}:${symbol.name}`] : [];
  });
  return new Set(names);
}

/** Code of the consumer and of the provider must find every variable at the same place. */
function requireSameLayout(object: BpfObject, combined: Combined, providers: readonly Provider[]): void {
  const here = layoutSections(object);
  const there = providers.map(provider => layoutSections(provider.object));
  object.symbols.forEach((symbol, index) => {
    const at = combined.origins[index];
    if (symbol.kind !== 'variable' || at === undefined || at.file === 0) return;
    if (globalsKind(sectionNameOf(object, symbol)) === undefined) return;
    const offset = there[at.file - 1]?.offsets[at.index];
    if (offset !== here.offsets[index])
      throw bugError(
        [elementAt(providers, at.file - 1).name],
        `variable ${quote(symbol.name)} is at ${here.offsets[index]}, not at ${offset}`,
      );
  });
}
