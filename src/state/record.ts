/** States and settings as JSON in records of the store. What is read there is checked field by field. */

import { given } from '../bytes/index.ts';
import type { RootletError } from '../diag/index.ts';
import type { InlineScope } from '../link/index.ts';
import type { OptimizeSetting } from '../load/index.ts';
import { countFrom, Fields, isList, isObject, type JsonObject, type JsonValue } from '../store/index.ts';
import type { StoredState } from './decision.ts';
import { mapKey } from './identity.ts';
import { decodeOptimize, decodeOptimized, encodeOptimizeField } from './optimize-record.ts';
import { decodeSettings, encodeSettings, type SettingsByOwner } from './settings.ts';
import { unreadable } from './unreadable.ts';

/** What an entry of the store remembers for the next version of its code. */
export interface EntryState {
  /** By `mapKey`. */
  readonly states: ReadonlyMap<string, StoredState>;
  readonly settings: SettingsByOwner;
  /** How its code is optimized, where that was given. */
  readonly optimize?: OptimizeSetting;
  /** The step of the optimizer that its programs are at; absent: they are as their files have them. */
  readonly optimized?: InlineScope;
}

/** Fields for the data of a record. */
export function encodeEntryState({ states, settings, optimize, optimized }: EntryState): JsonObject {
  return {
    states: encodeStates(states.values()),
    settings: encodeSettings(settings),
    ...encodeOptimizeField(optimize),
    optimized: optimized === undefined ? null : optimized,
  };
}

/** Throws `state-record`. */
export function decodeEntryState(data: JsonObject): EntryState {
  const { states, settings } = data;
  return {
    states: states === undefined ? new Map() : decodeStates(states),
    settings: decodeSettings(settings),
    ...given({ optimize: decodeOptimize(data), optimized: decodeOptimized(data) }),
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
  const fields = Fields.of(value, 'states', damaged);
  const contents = fields.get('contents');
  const version = fields.countOrNull('version');
  return {
    owner: fields.textOrNull('owner'),
    name: fields.text('name'),
    ...(version === null ? {} : { version }),
    contents: contents === null ? null : contentsFrom(contents),
    inner: fields.textOrNull('inner'),
    ...(fields.flag('pinned') ? { pinned: true } : {}),
  };
}

function contentsFrom(value: JsonValue | undefined): Map<number, number> {
  if (!isList(value)) throw damaged();
  return new Map(
    value.map(pair => {
      const [index, id] = isList(pair) ? pair : [];
      return [countFrom(index, 'contents', damaged), countFrom(id, 'contents', damaged)];
    }),
  );
}

function damaged(): RootletError {
  return unreadable('state');
}
