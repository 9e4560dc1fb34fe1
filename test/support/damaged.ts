/** JSON from a record, damaged in every way: for decoders of what another version or another program wrote. */

import type { JsonObject, JsonValue } from '../../src/store/fields.ts';

/** Every value of a document replaced by every kind of nonsense, one at a time. */
export function* damaged(value: JsonValue): Generator<JsonValue> {
  yield* [null, 5, -1, 1.5, 'x', true, [], {}, [null], { __proto__: 1 } as unknown as JsonObject]; // JSON all the same
  if (Array.isArray(value)) {
    for (const [at, part] of value.entries())
      for (const bad of damaged(part)) yield value.map((other, index) => (index === at ? bad : other));
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value)) {
      for (const bad of damaged(part)) yield { ...value, [name]: bad };
      yield Object.fromEntries(Object.entries(value).filter(([other]) => other !== name));
    }
  }
}
