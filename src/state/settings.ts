/**
 * Settings of an entry: values of variables and sizes of maps that an operator gave. They belong to the
 * component that they were given for, and stay with it until they are given again.
 */

import { type BtfId, encodeValue, type ValueTypes } from '../btf/index.ts';
import { quote, RootletError } from '../diag/index.ts';
import { type BpfObject, sectionNameOf, untypedBytes } from '../object/index.ts';
import { countFrom, isList, isObject, type JsonObject, type JsonValue } from '../store/index.ts';
import { unreadable } from './unreadable.ts';

/** Values of variables and sizes of maps that stay in force until they are given again. */
export interface Settings {
  /** Variable (`NAME` or `SECTION:NAME`) → value. */
  readonly globals: ReadonlyMap<string, unknown>;
  /** Map → max_entries. */
  readonly maxEntries: ReadonlyMap<string, number>;
}

/** By component; the rootlet, or an object without components, is ''. */
export type SettingsByOwner = ReadonlyMap<string, Settings>;

export const NO_SETTINGS: Settings = { globals: new Map(), maxEntries: new Map() };

/** What is set for a component; nothing where nothing was given. */
export function settingsFor(settings: SettingsByOwner, owner: string): Settings {
  return settings.get(owner) ?? NO_SETTINGS;
}

export function hasSettings({ globals, maxEntries }: Settings): boolean {
  return globals.size + maxEntries.size > 0;
}

/** `later` goes before `earlier`, name by name. */
export function mergeSettings(earlier: Settings, later: Settings): Settings {
  return {
    globals: new Map([...earlier.globals, ...later.globals]),
    maxEntries: new Map([...earlier.maxEntries, ...later.maxEntries]),
  };
}

/** Settings that an object takes, and why not the others. */
export interface FittingSettings {
  readonly settings: Settings;
  /** One sentence each. */
  readonly unknown: readonly string[];
}

export function settingsIn(object: BpfObject, { globals, maxEntries }: Settings): FittingSettings {
  const variables = variableNames(object);
  const maps = mapNames(object);
  const fits = ([name, value]: readonly [string, unknown]): boolean =>
    variables.has(name) && fitsVariable(object, name, value);
  const where = `is not in ${quote(object.name)}`;
  return {
    settings: {
      globals: new Map([...globals].filter(fits)),
      maxEntries: new Map([...maxEntries].filter(([name]) => maps.has(name))),
    },
    unknown: [
      ...[...globals]
        .filter(one => !fits(one))
        .map(([name]) =>
          variables.has(name)
            ? `variable ${quote(name)} of ${quote(object.name)} cannot have the value`
            : `variable ${quote(name)} ${where}`,
        ),
      ...[...maxEntries.keys()].filter(name => !maps.has(name)).map(name => `map ${quote(name)} ${where}`),
    ],
  };
}

/** Whether a variable still takes a value that was given to an earlier version. */
function fitsVariable(object: BpfObject, name: string, value: unknown): boolean {
  const { btf, byteOrder: order } = object;
  return object.symbols.every(symbol => {
    const named = symbol.name === name || `${sectionNameOf(object, symbol)}:${symbol.name}` === name;
    if (symbol.kind !== 'variable' || !named) return true;
    const { size, btfId } = symbol;
    if (value instanceof Uint8Array) return value.length === size;
    if (btf === null || btfId === 0) return untypedBytes(value, size, order) !== undefined;
    return takes({ btf, order }, btfId, value, size);
  });
}

function takes(types: ValueTypes, id: BtfId, value: unknown, size: number): boolean {
  try {
    encodeValue(types, id, value, new Uint8Array(size), 0);
    return true;
  } catch (error) {
    if (error instanceof RootletError) return false;
    throw error;
  }
}

/**
 * Names by which variables of an object are given values: `NAME`, and `SECTION:NAME` where several have one
 * name.
 */
export function variableNames(object: BpfObject): ReadonlySet<string> {
  const names = new Set<string>();
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'variable' || symbol.name === '') continue;
    names.add(symbol.name);
    names.add(`${sectionNameOf(object, symbol)}:${symbol.name}`);
  }
  return names;
}

export function mapNames(object: BpfObject): ReadonlySet<string> {
  return new Set(object.symbols.flatMap(({ kind, name }) => (kind === 'map' ? [name] : [])));
}

// --- records ------------------------------------------------------------------------------------------------------

export function encodeSettings(settings: SettingsByOwner): JsonObject {
  return Object.fromEntries(
    [...settings]
      .filter(([, one]) => hasSettings(one))
      .map(([owner, { globals, maxEntries }]) => [
        owner,
        {
          globals: [...globals].map(([name, value]) => [name, valueJson(value)]),
          maxEntries: [...maxEntries].map(([name, count]) => [name, count]),
        },
      ]),
  );
}

/** Throws `state-record`. */
export function decodeSettings(value: JsonValue | undefined): SettingsByOwner {
  if (value === undefined) return new Map();
  if (!isObject(value)) throw damaged();
  return new Map(
    Object.entries(value).map(([owner, one]) => {
      if (!isObject(one)) throw damaged();
      const { globals, maxEntries } = one;
      const settings: Settings = {
        globals: new Map(pairs(globals).map(([name, given]) => [name, valueFrom(given)])),
        maxEntries: new Map(
          pairs(maxEntries).map(([name, count]) => [name, countFrom(count, name, damaged)]),
        ),
      };
      return [owner, settings];
    }),
  );
}

function valueJson(value: unknown): JsonValue {
  if (typeof value === 'bigint') return { int: String(value) };
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (Array.isArray(value)) return { list: value.map(valueJson) };
  if (value !== null && typeof value === 'object')
    return { fields: Object.entries(value).map(([name, field]) => [name, valueJson(field)]) };
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}

function valueFrom(value: JsonValue): unknown {
  if (!isObject(value)) return value;
  const { int, bytes, list, fields } = value;
  if (typeof int === 'string' && /^-?\d{1,40}$/.test(int)) return BigInt(int);
  if (isList(bytes)) return Uint8Array.from(bytes, byte => countFrom(byte, 'bytes', damaged));
  if (isList(list)) return list.map(valueFrom);
  if (isList(fields))
    return Object.fromEntries(pairs(fields).map(([name, field]) => [name, valueFrom(field)]));
  throw damaged();
}

function pairs(value: JsonValue | undefined): [name: string, value: JsonValue][] {
  if (!isList(value)) throw damaged();
  return value.map(pair => {
    const [name, field] = isList(pair) ? pair : [];
    if (typeof name !== 'string' || field === undefined) throw damaged();
    return [name, field];
  });
}

function damaged(): RootletError {
  return unreadable('settings');
}
