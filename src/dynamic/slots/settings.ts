/** Values that a change gives: which component each is for, and under which names the loader knows them. */

import { quote, type RootletError, usageError } from '../../diag/index.ts';
import { type BpfObject, sectionNameOf } from '../../object/index.ts';
import {
  hasSettings,
  type MapIdentity,
  mapNames,
  mergeSettings,
  NO_SETTINGS,
  type PlannedState,
  partKey,
  type Settings,
  type SettingsByOwner,
  settingsFor,
  settingsIn,
  variableNames,
} from '../../state/index.ts';
import type { Prepared } from './prepare.ts';

/** Something that settings can be for. */
export interface SettingsTarget {
  /** `settingsKey`: component, with the version of one that is being rolled out; '' for the rootlet. */
  readonly owner: string;
  readonly object: BpfObject;
  /** It is put in by the change. */
  readonly putIn: boolean;
}

/**
 * Gives each value to one component. `NAME` is that of what the change puts in, or of anything where it puts
 * in nothing; `COMPONENT:NAME` specifies the component. Throws `load-no-global`, `load-no-map`,
 * `state-ambiguous`.
 */
export function assignSettings(given: Settings, targets: readonly SettingsTarget[]): SettingsByOwner {
  const assigned = new Map<string, Settings>();
  const add = (owner: string, one: Settings): void => {
    assigned.set(owner, mergeSettings(settingsFor(assigned, owner), one));
  };
  for (const [name, value] of given.globals) {
    const { owner, rest } = ownerOf('variable', name, targets, variableNames);
    add(owner, { ...NO_SETTINGS, globals: new Map([[rest, value]]) });
  }
  for (const [name, count] of given.maxEntries) {
    const { owner, rest } = ownerOf('map', name, targets, mapNames);
    add(owner, { ...NO_SETTINGS, maxEntries: new Map([[rest, count]]) });
  }
  return assigned;
}

type NamesOf = (object: BpfObject) => ReadonlySet<string>;

function ownerOf(
  what: 'variable' | 'map',
  name: string,
  targets: readonly SettingsTarget[],
  namesOf: NamesOf,
): { readonly owner: string; readonly rest: string } {
  const colon = name.indexOf(':');
  const named = targets.find(({ owner }) => colon > 0 && owner === name.slice(0, colon));
  const rest = named === undefined ? name : name.slice(colon + 1);
  const anything = targets.every(({ putIn }) => !putIn);
  const scope = named === undefined ? targets.filter(({ putIn }) => putIn || anything) : [named];
  const [found, other] = scope.filter(({ object }) => namesOf(object).has(rest));
  const all = targets.filter(({ object }) => namesOf(object).has(rest));
  if (found === undefined) throw notThere(what, rest, scope, all);
  if (other !== undefined) throw ambiguous(what, rest, all);
  return { owner: found.owner, rest };
}

function notThere(
  what: 'variable' | 'map',
  name: string,
  scope: readonly SettingsTarget[],
  all: readonly SettingsTarget[],
): RootletError {
  const code = what === 'map' ? 'load-no-map' : 'load-no-global';
  const places = scope.map(({ object }) => quote(object.name)).join(', ');
  const others = all.filter(({ owner }) => owner !== '').map(({ owner }) => `${owner}:${name}`);
  return usageError(code, `there is no ${what} ${quote(name)} in ${places}`, {
    hint:
      others.length === 0 ? 'rootlet inspect FILE lists them' : `of another component: ${others.join(', ')}`,
  });
}

function ambiguous(what: string, name: string, all: readonly SettingsTarget[]): RootletError {
  const forms = all.map(({ owner, object }) =>
    owner === '' ? `${object.name} (the rootlet)` : `${owner}:${name}`,
  );
  return usageError('state-ambiguous', `several components have a ${what} ${quote(name)}`, {
    hint: `name the component: ${forms.join(', ')}`,
  });
}

/** Settings of the running generation with those of the change, and what no longer fits any object. */
export function carrySettings(
  before: SettingsByOwner,
  given: SettingsByOwner,
  targets: readonly SettingsTarget[],
  heirOf: (owner: string) => string,
): { readonly settings: SettingsByOwner; readonly dropped: readonly string[] } {
  const settings = new Map<string, Settings>();
  const dropped: string[] = [];
  for (const { owner, object } of targets) {
    const earlier = settingsIn(object, settingsFor(before, heirOf(owner)));
    dropped.push(...earlier.unknown);
    const all = mergeSettings(
      settingsFor(settings, owner),
      mergeSettings(earlier.settings, settingsFor(given, owner)),
    );
    if (hasSettings(all)) settings.set(owner, all);
  }
  const heirs = new Set(targets.map(({ owner }) => heirOf(owner)));
  for (const [owner, one] of before) {
    if (heirs.has(owner)) continue;
    for (const name of [...one.globals.keys(), ...one.maxEntries.keys()])
      dropped.push(`${owner}:${name}: the component is gone`);
  }
  return { settings, dropped };
}

/** Settings by component as they are given on a command line: `COMPONENT:NAME`. */
export function flattened(settings: SettingsByOwner): Settings {
  const all = [...settings];
  return {
    globals: new Map(all.flatMap(([owner, { globals }]) => qualified(owner, globals))),
    maxEntries: new Map(all.flatMap(([owner, { maxEntries }]) => qualified(owner, maxEntries))),
  };
}

function qualified<T>(owner: string, named: ReadonlyMap<string, T>): (readonly [string, T])[] {
  return [...named].map(([name, value]) => [owner === '' ? name : `${owner}:${name}`, value] as const);
}

/** Those of `next` that are not in force. */
export function changedSettings(before: SettingsByOwner, next: SettingsByOwner): SettingsByOwner {
  const changed = [...next].map(([owner, { globals, maxEntries }]) => {
    const known = settingsFor(before, owner);
    const differs =
      (old: ReadonlyMap<string, unknown>) =>
      ([name, value]: readonly [string, unknown]): boolean =>
        !old.has(name) || !isSameValue(old.get(name), value);
    const settings = {
      globals: new Map([...globals].filter(differs(known.globals))),
      maxEntries: new Map([...maxEntries].filter(differs(known.maxEntries))),
    };
    return [owner, settings] as const;
  });
  return new Map(changed.filter(([, one]) => hasSettings(one)));
}

/** Whole numbers are the same as `bigint` and as `number`. */
export function isSameValue(a: unknown, b: unknown): boolean {
  return comparable(a) === comparable(b);
}

function comparable(value: unknown): string {
  const text = (_: string, one: unknown): unknown =>
    typeof one === 'bigint' ? `number ${one}` : numberText(one);
  return JSON.stringify({ value }, text);
}

function numberText(value: unknown): unknown {
  return typeof value === 'number' ? `number ${value}` : value;
}

/** Whose settings a part has: each version of a component has its own, the rootlet those of ''. */
export function settingsKey({ owner, version }: Pick<MapIdentity, 'owner' | 'version'>): string {
  return owner === null ? '' : partKey(owner, version);
}

/**
 * Options of the loader for the settings of one prepared object. `states` say what its maps are called in the
 * plan.
 */
export function loaderSettings(
  prepared: Prepared,
  settings: Settings,
  states: readonly PlannedState[],
): { readonly globals: Map<string, unknown>; readonly maxEntries: Map<string, number> } {
  const globals = new Map<string, unknown>();
  for (const [name, value] of settings.globals) {
    const qualified = qualifiedName(prepared, name);
    if (qualified !== undefined) globals.set(qualified, value);
  }
  const maxEntries = new Map<string, number>();
  for (const { map, owner, name, version } of states) {
    const count = settings.maxEntries.get(name);
    if (owner === prepared.owner && version === prepared.version && count !== undefined)
      maxEntries.set(map, count);
  }
  return { globals, maxEntries };
}

/** `SECTION:NAME` as the prepared object has it; undefined for a variable that nothing in it uses. */
export function qualifiedName(prepared: Prepared, name: string): string | undefined {
  const { object, sections } = prepared;
  const found = object.symbols.flatMap(symbol => {
    if (symbol.kind !== 'variable') return [];
    const section = sectionNameOf(object, symbol);
    const original = sections.get(section) ?? section;
    return symbol.name === name || `${original}:${symbol.name}` === name ? [`${section}:${symbol.name}`] : [];
  });
  const [only, other] = found;
  return other === undefined ? only : name;
}
