/**
 * A consumer and the providers that it shares code or state with become one object to load.
 *
 * Code of providers is copied in as far as it is needed; their maps and globals are not: each is left as a map of its
 * own, laid out exactly as the provider's, to be replaced at load by the provider's live one. Every object keeps a
 * scope of names of its own. The consumer's part keeps its names and layout, so that it can be a provider itself.
 */

import { bugError, type Problem, problem, quote } from '../../diag/index.ts';
import {
  applyRenames,
  type Combined,
  chooseLicense,
  combine,
  FOLDED_SECTIONS,
  labelsFor,
  mergeSections,
  narrow,
  resolve,
  type SymbolAt,
  separateNames,
  withLicense,
  withTextSection,
} from '../../link/index.ts';
import { globalsKind } from '../../load/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  isDebugSection,
  layoutSections,
  markLive,
  type SymbolIndex,
  sectionOf,
} from '../../object/index.ts';
import { findExport } from './exports.ts';
import { type Provider, withImports } from './provider.ts';

/** A symbol of the consumer that becomes one of a provider. */
export interface Join {
  readonly extern: SymbolIndex;
  readonly provider: Provider;
  /** Symbol of the provider's object. */
  readonly target: SymbolIndex;
  /** The function becomes a static one: the verifier then follows calls of it instead of trusting its prototype. */
  readonly asStatic?: boolean;
}

/** A live map that takes the place of one that would be created. */
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

/** Joins a consumer with what it needs of providers. Problems come back as data. */
export function compose(consumer: BpfObject, joins: readonly Join[]): Composed {
  const providers = withImports(joins.map(join => join.provider));
  if (providers.length === 0) return alone(consumer);
  const labels = labelsFor(providers.map(provider => provider.name));
  const parts = providers.map((provider, at) => preparePart(provider, labels[at] ?? `p${at}`, joins));
  const objects = [consumer, ...parts.map(part => part.object)];
  const { bindings, problems: unbound } = collectBindings(providers, joins);
  const resolution = resolve(objects, {
    scopes: objects.map((_, file) => file),
    detached: bindings.map(binding => binding.loser),
  });
  const sections = mergeSections(objects);
  const license = chooseLicense(objects);
  const problems = [...unbound, ...sections.problems, ...license.problems];
  if (problems.length > 0) return { ...alone(consumer), problems };
  const whole = combine({ objects, resolution, sections, bindings, name: consumer.name, partial: true });
  const combined = narrow(whole, livePart(whole), { pruneTypes: true });
  const renames = separateNames({ combined, labels: [null, ...labels] });
  const object = withLicense(applyRenames(combined.object, renames), license.license);
  requireSameLayout(object, combined, providers);
  return {
    object,
    shared: sharedMaps(object, combined, providers, parts),
    joined: joinedVariables(object, combined, joins),
    indirect: indirectJoins(providers, bindings, joins.length, combined),
    indexOf: combined.indexOf[0] ?? new Int32Array(0),
    problems: [],
  };
}

function alone(object: BpfObject): Composed {
  const indexOf = Int32Array.from(object.symbols, (_, index) => index);
  return { object, shared: new Map(), joined: new Set(), indirect: [], indexOf, problems: [] };
}

// --- parts --------------------------------------------------------------------------------------------------------

interface Part {
  readonly object: BpfObject;
  /** Section name in the result → section name in the provider. */
  readonly sections: ReadonlyMap<string, string>;
}

/** A provider's object as a part: no programs, data sections under names of their own, maps without contents. */
function preparePart(provider: Provider, label: string, joins: readonly Join[]): Part {
  const { sections: shells, text } = withTextSection(provider.object);
  const names = new Map<string, string>();
  const sections = shells.map(shell => {
    const kind = globalsKind(shell.name);
    if (kind === undefined || shell.role !== 'data') return shell;
    const name = `${shell.name}.${label}`;
    names.set(name, shell.name);
    return { ...shell, name };
  });
  const code = givesCode(provider, joins);
  const object = { ...provider.object, sections, name: provider.name };
  const statics = new Set(
    joins.filter(join => join.provider === provider && join.asStatic === true).map(join => join.target),
  );
  const symbols = object.symbols.map((symbol, index): BpfSymbol => {
    const moved = partSymbol(symbol, text);
    // loaders make hidden functions static
    return statics.has(index) ? { ...moved, visibility: 'hidden' } : moved;
  });
  const kept = code ? symbols : symbols.map(symbol => withoutFolded(provider.object, symbol));
  return { object: { ...object, symbols: kept }, sections: names };
}

/** Whether functions of the provider may end up in the result; then its licence counts. */
function givesCode(provider: Provider, joins: readonly Join[]): boolean {
  const direct = joins.filter(join => join.provider === provider);
  return (
    direct.length === 0 || direct.some(join => provider.object.symbols[join.target]?.kind === 'function')
  );
}

function partSymbol(symbol: BpfSymbol, text: number): BpfSymbol {
  if (symbol.kind === 'function') return { ...symbol, section: text };
  // what is in the provider's maps is not set again
  return symbol.kind === 'map' && symbol.references.length > 0 ? { ...symbol, references: [] } : symbol;
}

/** Licence and version of a part that gives only state do not bind the code of the consumer. */
function withoutFolded(object: BpfObject, symbol: BpfSymbol): BpfSymbol {
  if (symbol.kind !== 'variable' || !FOLDED_SECTIONS.has(sectionOf(object, symbol)?.name ?? ''))
    return symbol;
  const { name, binding, visibility } = symbol;
  return {
    kind: 'extern',
    name,
    binding: binding === 'global' ? 'weak' : 'local',
    visibility,
    section: null,
    btfId: 0,
  };
}

// --- bindings -----------------------------------------------------------------------------------------------------

interface Binding {
  readonly loser: SymbolAt;
  readonly winner: SymbolAt;
}

/** What the consumer asked for, then what providers were bound to when they were loaded. */
function collectBindings(
  providers: readonly Provider[],
  joins: readonly Join[],
): { readonly bindings: readonly Binding[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
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
        problems.push(goneProblem(provider, imported, target));
        continue;
      }
      bindings.push({
        loser: { file: fileOf(provider), index: extern },
        winner: { file: fileOf(imported), index: found.index },
      });
    }
  }
  return { bindings, problems };
}

function goneProblem(provider: Provider, imported: Provider, target: string): Problem {
  return problem(
    'dynamic-import-gone',
    [provider.name],
    `was bound to ${quote(target)} of ${imported.name}, which is not there any more`,
  );
}

/** Bindings behind the consumer's own whose two ends are in the result. */
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

// --- what stays ---------------------------------------------------------------------------------------------------

/** All of the consumer; of providers what it reaches, sections of globals always whole. */
function livePart(combined: Combined): boolean[] {
  const { object, origins } = combined;
  const isDebug = (index: number): boolean => {
    const symbol = object.symbols[index];
    return symbol !== undefined && isDebugSection(sectionOf(object, symbol)?.name ?? '');
  };
  const roots = origins.flatMap((at, index) => (at.file === 0 && !isDebug(index) ? [index] : []));
  for (;;) {
    const { live } = markLive(object, roots);
    const added = wholeSections(combined, live);
    if (added.length === 0) return [...live];
    roots.push(...added);
  }
}

/** Variables that are not live yet, in a section of a provider's globals of which something is. */
function wholeSections({ object, origins }: Combined, live: readonly boolean[]): SymbolIndex[] {
  const used = new Set<number>();
  object.symbols.forEach((symbol, index) => {
    if (symbol.kind === 'variable' && live[index] === true && (origins[index]?.file ?? 0) > 0)
      used.add(symbol.section);
  });
  return object.symbols.flatMap((symbol, index) => {
    if (symbol.kind !== 'variable' || live[index] === true || !used.has(symbol.section)) return [];
    return globalsKind(object.sections[symbol.section]?.name ?? '') === undefined ? [] : [index];
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
    const at = combined.origins[index];
    const provider = at === undefined ? undefined : providers[at.file - 1];
    if (at === undefined || provider === undefined) return;
    const original = provider.object.symbols[at.index];
    if (symbol.kind === 'map' && original !== undefined)
      shared.set(symbol.name, { provider, name: original.name });
    if (symbol.kind !== 'variable') return;
    const section = object.sections[symbol.section]?.name ?? '';
    const name = parts[at.file - 1]?.sections.get(section);
    if (name !== undefined) shared.set(section, { provider, name });
  });
  return shared;
}

function joinedVariables(object: BpfObject, combined: Combined, joins: readonly Join[]): Set<string> {
  const names = joins.flatMap(({ extern }) => {
    const symbol = object.symbols[combined.indexOf[0]?.[extern] ?? -1];
    return symbol?.kind === 'variable' ? [`${sectionOf(object, symbol)?.name ?? ''}:${symbol.name}`] : [];
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
    if (globalsKind(sectionOf(object, symbol)?.name ?? '') === undefined) return;
    const offset = there[at.file - 1]?.offsets[at.index];
    if (offset !== here.offsets[index])
      throw bugError(
        [providers[at.file - 1]?.name ?? ''],
        `variable ${quote(symbol.name)} lies at ${here.offsets[index]}, not at ${offset}`,
      );
  });
}
