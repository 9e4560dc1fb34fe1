import { describe, expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import type { JsonObject, JsonValue } from '../../store/fields.ts';
import { decodeDynamic, encodeDynamic, NOTHING_STORED, pinNames, type StoredDynamic } from './stored.ts';

const FULL: StoredDynamic = {
  bindings: [
    {
      extern: 'foo',
      kind: 'function',
      provider: 'first',
      target: 'bar',
      via: 'tail',
      reason: 'asked for',
      by: 'request',
      of: '',
      slot: {
        array: 'rootlet_slots',
        entry: 3,
        kind: 'xdp',
        progType: 6,
        attachType: 37,
        flags: 0,
        own: true,
      },
    },
    {
      extern: 'counters',
      kind: 'map',
      provider: 'first',
      target: 'counters',
      via: 'share',
      reason: '',
      by: 'provider',
      of: 'middle',
      slot: null,
    },
  ],
  requests: [
    { extern: 'foo', provider: 'first', target: 'bar' },
    { extern: 'x', target: 'y' },
  ],
  arrays: [{ kind: 'xdp', progType: 6, attachType: 37, flags: 32, functions: ['foo', 'bar'] }],
  replacements: [{ function: 'foo', kind: 'xdp' }],
  stubs: [{ extern: 'foo', program: 'p', stub: 'b' }],
};

const HOSTILE: readonly JsonValue[] = [null, true, -1, 1.5, 1e300, '', '__proto__', [], [[]], [null], {}];

/** The value with one place in it replaced, for every place and every replacement. */
function* spoiled(value: JsonValue): Generator<JsonValue> {
  yield* HOSTILE;
  if (typeof value !== 'object' || value === null) return;
  const keys = Object.keys(value);
  for (const key of keys) {
    const inner = (value as Record<string, JsonValue>)[key] ?? null; // own key of it
    for (const bad of spoiled(inner)) {
      const copy = structuredClone(value) as Record<string, JsonValue>; // JSON
      copy[key] = bad;
      yield Array.isArray(value) ? Object.values(copy) : copy;
    }
    const without = structuredClone(value) as Record<string, JsonValue>; // JSON
    delete without[key];
    yield Array.isArray(value) ? Object.values(without) : without;
  }
}

describe('what records remember', () => {
  test('comes back as it was', () => {
    expect(decodeDynamic({ dynamic: encodeDynamic(FULL) })).toEqual(FULL);
    expect(decodeDynamic({})).toEqual(NOTHING_STORED);
  });

  test('is refused as a problem, or is well-formed, whatever is in its place', () => {
    let refused = 0;
    for (const bad of spoiled(encodeDynamic(FULL))) {
      const data: JsonObject = { dynamic: bad };
      try {
        const { bindings, arrays } = decodeDynamic(data);
        for (const { slot } of bindings)
          if (slot !== null) expect(Number.isSafeInteger(slot.entry)).toBe(true);
        for (const { functions } of arrays) for (const name of functions) expect(typeof name).toBe('string');
      } catch (error) {
        expect(error).toBeInstanceOf(RootletError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(200);
  });

  test('names of pins differ', () => {
    const names = [
      pinNames.array('xdp'),
      pinNames.member('xdp', 'f'),
      pinNames.replacement('xdp', 'f'),
      pinNames.stub({ extern: 'f', program: 'p', stub: 'a' }),
      pinNames.stub({ extern: 'f', program: 'p', stub: 'b' }),
    ];
    expect(new Set(names).size).toBe(names.length);
  });
});
