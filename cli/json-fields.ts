/** Fields of the data in records, which anybody may have written. */

import type { JsonObject, JsonValue } from '../src/store/index.ts';

/** An object's fields; none for everything else. */
export function fieldsOf(value: JsonValue | undefined): JsonObject {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as JsonObject) : {}; // a JSON value that is neither a list nor null
}

export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
