/** States as JSON in records of the store. What is read there is checked field by field. */

import { inputError, type RootletError } from '../diag/index.ts';
import type { JsonObject, JsonValue } from '../store/index.ts';
import type { StoredState } from './decision.ts';
import { mapKey } from './identity.ts';

/** `mapKey` → what is remembered. */
export function encodeStates(states: Iterable<StoredState>): JsonObject {
  return Object.fromEntries(
    [...states].map(state => {
      const { owner, name, version, contents, inner } = state;
      const fields = {
        owner,
        name,
        version: version ?? null,
        contents: contents === null ? null : [...contents],
        inner,
      };
      return [mapKey(state), fields];
    }),
  );
}

/** Throws `state-record`. */
export function decodeStates(value: JsonValue | undefined): Map<string, StoredState> {
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
  const { owner, name, version, contents, inner } = value;
  if (owner !== null && typeof owner !== 'string') throw damaged();
  if (inner !== null && typeof inner !== 'string') throw damaged();
  if (typeof name !== 'string') throw damaged();
  return {
    owner,
    name,
    ...(version === null ? {} : { version: countOf(version) }),
    contents: contents === null ? null : contentsFrom(contents),
    inner,
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
