/** States and settings as JSON in records of the store. What is read there is checked field by field. */

import { inputError, type RootletError } from '../diag/index.ts';
import type { JsonObject, JsonValue } from '../store/index.ts';
import type { StoredState } from './decision.ts';
import { mapKey } from './identity.ts';
import { decodeSettings, encodeSettings, type SettingsByOwner } from './settings.ts';

/** What an entry of the store remembers for the next version of its code. */
export interface EntryState {
  /** By `mapKey`. */
  readonly states: ReadonlyMap<string, StoredState>;
  readonly settings: SettingsByOwner;
}

/** Fields for the data of a record. */
export function encodeEntryState({ states, settings }: EntryState): JsonObject {
  return { states: encodeStates(states.values()), settings: encodeSettings(settings) };
}

/** Throws `state-record`. */
export function decodeEntryState(data: JsonObject): EntryState {
  const { states, settings } = data;
  return {
    states: states === undefined ? new Map() : decodeStates(states),
    settings: decodeSettings(settings),
  };
}

/** `mapKey` → what is remembered. */
function encodeStates(states: Iterable<StoredState>): JsonObject {
  return Object.fromEntries(
    [...states].map(state => {
      const { owner, name, version, contents, inner } = state;
      const fields = {
        owner,
        name,
        version: version ?? null,
        contents: contents === null ? null : [...contents],
        inner,
        ...(state.pinned === true ? { pinned: true } : {}),
      };
      return [mapKey(state), fields];
    }),
  );
}

function decodeStates(value: JsonValue | undefined): Map<string, StoredState> {
  if (!isObject(value)) throw damaged();
  return new Map(
    Object.values(value).map(fields => {
      const state = stateFrom(fields);
      return [mapKey(state), state];
    }),
  );
}

function stateFrom(value: JsonValue): StoredState {
  if (!isObject(value)) throw damaged();
  const { owner, name, version, contents, inner, pinned } = value;
  if (owner !== null && typeof owner !== 'string') throw damaged();
  if (inner !== null && typeof inner !== 'string') throw damaged();
  if (typeof name !== 'string') throw damaged();
  return {
    owner,
    name,
    ...(version === null ? {} : { version: countOf(version) }),
    contents: contents === null ? null : contentsFrom(contents),
    inner,
    ...(pinned === true ? { pinned } : {}),
  };
}

function contentsFrom(value: JsonValue | undefined): Map<number, number> {
  if (!isList(value)) throw damaged();
  return new Map(
    value.map(pair => {
      const [index, id] = isList(pair) ? pair : [];
      return [countOf(index), countOf(id)];
    }),
  );
}

function countOf(value: JsonValue | undefined): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw damaged();
  return value;
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function damaged(): RootletError {
  return inputError('state-record', [], 'the state in the record cannot be read', {
    hint: 'another version of rootlet made the entry: use that one, or detach and attach it again',
  });
}
