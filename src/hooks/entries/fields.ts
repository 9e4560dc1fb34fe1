/** Fields of the data in records, which anyone who may write to the bpf file system may have written. */

import type { JsonObject, JsonValue } from '../../store/index.ts';

/** An object's fields; none for everything else. */
export function fieldsOf(value: JsonValue | undefined): JsonObject {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as JsonObject) : {}; // a JSON value that is neither a list nor null
}

/** '' for everything that is not text. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
