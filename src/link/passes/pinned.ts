/**
 * Maps that are pinned: the name of such a map is the name of its pin, so every definition of it is one map.
 *
 * Runs after resolution and before anything is merged. Definitions of one name in different scopes, or static
 * ones, are merged if they agree, as loaders would merge them through the pin; otherwise the link fails. The
 * initial entries of the merged map are decided here too, also for maps that components share on request.
 */

import { elementAt, given } from '../../bytes/index.ts';
import { type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  isPinnedMap,
  type MapSymbol,
  parseMapDefinition,
  type SymbolIndex,
  symbolOf,
} from '../../object/index.ts';
import * as checks from '../resolve/checks.kernel.ts';
import {
  disagreement,
  entryAt,
  faultsOf,
  groupAt,
  inputName,
  LINK_FAULT,
  mayHavePinnedMaps,
  type Resolution,
  type SymbolAt,
  type SymbolGroup,
  symbolAt,
} from '../resolve/index.ts';
import { type Combined, withObject } from './combine.ts';
import { editSymbols } from './edit-symbols.ts';
import { nameToSuggest } from './names.ts';

/** One definition replaces another of the same pin. */
interface PinBinding {
  readonly loser: SymbolAt;
  readonly winner: SymbolAt;
}

/** Definitions of one pinned map in several inputs. */
export interface PinnedMerge {
  readonly name: string;
  readonly winner: SymbolAt;
  /** The other definitions, in input order. */
  readonly others: readonly SymbolAt[];
  /** Whether only definitions other than the winner's are seen outside their files. */
  readonly globalize: boolean;
}

export interface PinnedMaps {
  readonly merges: readonly PinnedMerge[];
  readonly bindings: readonly PinBinding[];
  /** For `checkAgreement`: definitions that were compared here. */
  readonly isJudged: (at: SymbolAt) => boolean;
  readonly problems: readonly Problem[];
}

/** Whether the symbol is a map with a pin. A definition that cannot be read has none. */
export function isPinned(object: BpfObject, symbol: BpfSymbol | undefined): boolean {
  if (symbol?.kind !== 'map') return false;
  try {
    return isPinnedMap(object, symbol);
  } catch (error) {
    if (error instanceof RootletError) return false;
    throw error;
  }
}

const NOTHING: ReadonlySet<SymbolIndex> = new Set();

/** All pinned maps of an object. */
export function pinnedSymbols(object: BpfObject): ReadonlySet<SymbolIndex> {
  if (!mayHavePinnedMaps(object)) return NOTHING;
  return new Set(object.symbols.flatMap((symbol, index) => (isPinned(object, symbol) ? [index] : [])));
}

/** For `ResolveOptions.united`: pinned maps of the objects. */
export function pinnedIn(objects: readonly BpfObject[]): (at: SymbolAt) => boolean {
  return at => {
    const object = objects[at.file];
    return object !== undefined && isPinned(object, object.symbols[at.index]);
  };
}

/**
 * Merges the definitions of each pinned map. `fileOf` returns the name of an input for `--redefine-sym`
 * (default: its name).
 */
export function joinPinned(
  objects: readonly BpfObject[],
  resolution: Resolution,
  fileOf: (file: number) => string = file => inputName(objects, file),
): PinnedMaps {
  const byName = definitionsByName(objects, resolution);
  const merges = [...byName].flatMap(([name, definitions]) =>
    mergeOf(objects, resolution, name, definitions),
  );
  const bindings = merges.flatMap(merge => bindingsOf(resolution, merge));
  const problems = merges.flatMap(merge => differences(objects, merge, fileOf));
  const judged = new Set(merges.flatMap(({ others }) => others.map(keyOf)));
  return {
    merges,
    bindings,
    isJudged: at => judged.has(keyOf(at)),
    problems: [...problems, ...contentProblems(objects, resolution, merges, bindings, fileOf)],
  };
}

/** The combined object, in which a map is global if any of its definitions is. */
export function withPinned(combined: Combined, merges: readonly PinnedMerge[]): Combined {
  const edits = merges
    .filter(merge => merge.globalize)
    .map(({ winner }) => [entryAt(combined.indexOf, winner), { binding: 'global' }] as const);
  return edits.length === 0 ? combined : withObject(combined, editSymbols(combined.object, new Map(edits)));
}

// --- definitions --------------------------------------------------------------------------------------------------

/**
 * Pinned maps by name, in input order; without those that a stronger definition in their own scope overrides.
 */
function definitionsByName(objects: readonly BpfObject[], resolution: Resolution): Map<string, SymbolAt[]> {
  const byName = new Map<string, SymbolAt[]>();
  objects.forEach((object, file) => {
    for (const index of pinnedSymbols(object)) {
      const at = { file, index };
      const name = symbolOf(object, index).name;
      if (name === '' || isOverridden(objects, resolution, at)) continue;
      const known = byName.get(name);
      if (known === undefined) byName.set(name, [at]);
      else known.push(at);
    }
  });
  return byName;
}

function isOverridden(objects: readonly BpfObject[], resolution: Resolution, at: SymbolAt): boolean {
  const group = groupAt(resolution, at);
  if (group !== undefined && group.clashing.length > 0) return true; // an error of its own
  const winner = group?.winner;
  if (winner === undefined || isSame(winner, at)) return false;
  return symbolAt(objects, at).binding === 'weak' || symbolAt(objects, winner).kind !== 'map';
}

function winnerOf(resolution: Resolution, at: SymbolAt): SymbolAt | undefined {
  return groupAt(resolution, at)?.winner;
}

function isSame(a: SymbolAt, b: SymbolAt): boolean {
  return a.file === b.file && a.index === b.index;
}

/** The chosen definition has initial entries if any definition has, and is global if possible. */
function mergeOf(
  objects: readonly BpfObject[],
  resolution: Resolution,
  name: string,
  definitions: readonly SymbolAt[],
): PinnedMerge[] {
  const candidates = definitions.filter(at => isSame(winnerOf(resolution, at) ?? at, at));
  const [first] = candidates;
  if (first === undefined || definitions.length < 2) return [];
  const rank = (at: SymbolAt): number =>
    (entriesOf(objects, at).length > 0 ? 2 : 0) + (isLocal(objects, at) ? 0 : 1);
  const winner = candidates.reduce((best, at) => (rank(at) > rank(best) ? at : best), first);
  return [
    {
      name,
      winner,
      others: definitions.filter(at => !isSame(at, winner)),
      globalize: isLocal(objects, winner) && definitions.some(at => !isLocal(objects, at)),
    },
  ];
}

function isLocal(objects: readonly BpfObject[], at: SymbolAt): boolean {
  return symbolAt(objects, at).binding === 'local';
}

/** A definition discarded in its own scope needs no binding: it refers to the chosen one there. */
function bindingsOf(resolution: Resolution, { winner, others }: PinnedMerge): PinBinding[] {
  return others.flatMap(loser =>
    isSame(winnerOf(resolution, loser) ?? loser, loser) ? [{ loser, winner }] : [],
  );
}

// --- agreement ----------------------------------------------------------------------------------------------------

/** Whether two inputs agree on a pin. */
function differences(
  objects: readonly BpfObject[],
  { name, winner, others }: PinnedMerge,
  fileOf: (file: number) => string,
): Problem[] {
  return others.flatMap(other => {
    const problem = disagreement(objects, winner, other);
    return problem === null ? [] : [{ ...problem, hint: pinHint(objects, { name, winner, other }, fileOf) }];
  });
}

/** Two definitions that are to be one map. */
interface Pair {
  readonly name: string;
  readonly winner: SymbolAt;
  readonly other: SymbolAt;
}

/** Hint: how to give one of two definitions its own pin. */
function pinHint(
  objects: readonly BpfObject[],
  { name, winner, other }: Pair,
  fileOf: (file: number) => string,
): string {
  const [first, second] = [fileOf(winner.file), fileOf(other.file)];
  const both = `both are pinned as ${quote(name)}, which is one map`;
  if (first === second) return both;
  const to = nameToSuggest(objects, other.file, name);
  return `${both}; to pin one under another name: --redefine-sym ${second}:${name}=${to}`;
}

// --- initial entries ----------------------------------------------------------------------------------------------

interface Entry {
  readonly offset: number;
  readonly target: SymbolAt;
  readonly addend: number;
}

function entriesOf(objects: readonly BpfObject[], at: SymbolAt): Entry[] {
  const symbol = symbolAt(objects, at);
  if (symbol.kind !== 'map') return [];
  return symbol.references.map(({ offset, symbol: index, addend }) => ({
    offset,
    target: { file: at.file, index },
    addend,
  }));
}

/** Maps that become one and have entries that are not the same. */
function contentProblems(
  objects: readonly BpfObject[],
  resolution: Resolution,
  merges: readonly PinnedMerge[],
  bindings: readonly PinBinding[],
  fileOf: (file: number) => string,
): Problem[] {
  const bound = new Map(bindings.map(({ loser, winner }) => [keyOf(loser), winner]));
  const finalKey = (at: SymbolAt): string => {
    const winner = winnerOf(resolution, at) ?? at;
    return keyOf(bound.get(keyOf(winner)) ?? winner);
  };
  const spell = (at: SymbolAt): string =>
    entriesOf(objects, at)
      .map(({ offset, target, addend }) => `${offset} ${finalKey(target)} ${addend}`)
      .sort()
      .join('\n');
  return [...merges, ...sharedMaps(objects, resolution)].flatMap(({ name, winner, others }) => {
    const wanted = spell(winner);
    return others
      .filter(other => spell(other) !== '' && spell(other) !== wanted)
      .map(other => contentProblem(objects, { name, winner, other }, fileOf));
  });
}

function keyOf({ file, index }: SymbolAt): string {
  return `${file}:${index}`;
}

/** Groups whose winner is a map that overrides other definitions. */
function overridingMaps({ columns, groupOf }: Resolution): readonly SymbolGroup[] {
  const { image, request } = columns;
  return faultsOf(image, LINK_FAULT.overriding, () => image.run(checks).findOverridingMaps(request)).map(
    ({ a }) => groupOf(a),
  );
}

/** Unpinned maps of which several strong definitions become one. */
function sharedMaps(
  objects: readonly BpfObject[],
  resolution: Resolution,
): Pick<PinnedMerge, 'name' | 'winner' | 'others'>[] {
  return overridingMaps(resolution).flatMap(({ name, winner, losers }) => {
    if (pinnedIn(objects)(winner) || symbolAt(objects, winner).kind !== 'map') return [];
    return [{ name, winner, others: losers.filter(at => symbolAt(objects, at).binding === 'global') }];
  });
}

function contentProblem(
  objects: readonly BpfObject[],
  pair: Pair,
  fileOf: (file: number) => string,
): Problem {
  const { name, winner, other } = pair;
  const hint = pinnedIn(objects)(winner) ? pinHint(objects, pair, fileOf) : undefined;
  return problem(
    'link-map-contents',
    [inputName(objects, other.file)],
    `the initial entries of ${quote(name)} differ from those in ${inputName(objects, winner.file)}; both are one map`,
    {
      details: [winner, other].map(at => describeEntries(objects, at)),
      ...given({ hint }),
    },
  );
}

/** `first.o: [0] = stage_one, [2] = stage_two`. */
function describeEntries(objects: readonly BpfObject[], at: SymbolAt): string {
  const object = elementAt(objects, at.file);
  const symbol = symbolOf(object, at.index);
  if (symbol.kind !== 'map') return '';
  const start = valuesOffset(object, symbol);
  const entries = entriesOf(objects, at).map(
    ({ offset, target }) => `[${(offset - start) / 8}] = ${symbolAt(objects, target).name}`,
  );
  return `${object.name}: ${entries.join(', ')}`;
}

function valuesOffset(object: BpfObject, symbol: MapSymbol): number {
  try {
    return parseMapDefinition(object, symbol).valuesOffset;
  } catch (error) {
    if (error instanceof RootletError) return 0; // reported where the definition is needed
    throw error;
  }
}
