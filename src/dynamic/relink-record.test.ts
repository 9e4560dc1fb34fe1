import { expect, test } from 'vitest';
import { RootletError } from '../diag/index.ts';
import type { JsonObject, JsonValue } from '../store/index.ts';
import { decodeRelink, encodeRelink, type RelinkRecord } from './relink-record.ts';

const bytes = (...values: readonly number[]) => new Uint8Array(values);
const one = { name: 'a/one.o', bytes: bytes(1) };

const RECORD: RelinkRecord = {
  design: {
    rootlet: { name: 'host.o', bytes: bytes(9) },
    fills: [
      { slot: 'slot1', file: one, program: 'p' },
      { slot: 'slot2', file: one },
      { slot: 'slot3', file: { name: 'a/one.o', bytes: bytes(2) }, instance: '2' },
    ],
  },
  main: 'host',
  running: 'host',
  programId: 7,
  via: 'ext',
  forced: true,
  pending: null,
  states: [
    { map: '.bss', owner: null, original: '.bss' },
    { map: 'one_runs', owner: 'a/one.o', original: 'runs' },
  ],
};

test('what is written is read again, and a file in several slots is one', () => {
  const { data, files } = encodeRelink(RECORD);
  expect([...files.keys()]).toEqual(['object', 'component:a/one.o', 'component:a/one.o#2']);
  const read = decodeRelink(JSON.parse(JSON.stringify(data)), files);
  expect(read).toEqual(RECORD);
  expect(read.design.fills[0]?.file).toBe(read.design.fills[1]?.file);
  const pending = { ...RECORD, pending: 6, via: 'tail', forced: false } as const;
  expect(decodeRelink(encodeRelink(pending).data, files)).toEqual(pending);
});

test('a file that is missing is said', () => {
  const { data, files } = encodeRelink(RECORD);
  const rest = new Map([...files].filter(([name]) => name !== 'component:a/one.o#2'));
  expect(() => decodeRelink(data, rest)).toThrow(/the file of a\/one\.o/);
});

/** Every value of a document replaced by every kind of nonsense, one at a time. */
function* damaged(value: JsonValue): Generator<JsonValue> {
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

test('a record that somebody else wrote is refused, or is one', () => {
  const { data, files } = encodeRelink(RECORD);
  let refused = 0;
  for (const bad of [undefined, ...damaged(data)]) {
    try {
      const { design, states, via } = decodeRelink(bad, files);
      expect(['static', 'tail', 'ext']).toContain(via);
      for (const fill of design.fills) expect(typeof fill.slot).toBe('string');
      for (const state of states) expect(typeof state.map).toBe('string');
    } catch (error) {
      expect(error).toBeInstanceOf(RootletError);
      expect(error).toMatchObject({ code: 'relink-record' });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(150);
});
