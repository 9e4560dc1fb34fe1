import { expect, test } from 'vitest';
import { damaged } from '../../../test/support/damaged.ts';
import { RootletError } from '../../diag/problem.ts';
import { InputObject } from '../../object/read/input.ts';
import type { EntryState } from '../../state/record.ts';
import { decodeRelink, encodeRelink, type RelinkRecord } from './record.ts';

const bytes = (...values: readonly number[]) => new Uint8Array(values);
const one = new InputObject({ name: 'a/one.o', bytes: bytes(1) });

/** Is decoded by its owner; see src/state/record.test.ts. */
const STATE: EntryState = {
  states: new Map([['one:runs', { owner: 'one', name: 'runs', contents: null, inner: null }]]),
  settings: new Map(),
};

const RECORD: RelinkRecord = {
  design: {
    rootlet: new InputObject({ name: 'host.o', bytes: bytes(9) }),
    fills: [
      { slot: 'slot1', file: one, program: 'p', component: 'one' },
      { slot: 'slot2', file: one, component: 'one', variant: 'counted' },
      {
        slot: 'slot3',
        file: new InputObject({ name: 'a/one.o', bytes: bytes(2) }),
        component: 'one',
        version: 1,
      },
      {
        slot: 'slot4',
        file: new InputObject({ name: 'b/one.o', path: '/b/one.o', bytes: bytes(3) }),
        component: 'one-2',
      },
    ],
  },
  main: 'host',
  running: 'host',
  programId: 7,
  via: 'ext',
  forced: true,
  ...STATE,
};

test('what is written is read again, and a file in several slots is one', () => {
  const { data, files } = encodeRelink(RECORD);
  expect([...files.keys()]).toEqual(['object', 'component:one', 'component:one@1', 'component:one-2']);
  const read = decodeRelink(JSON.parse(JSON.stringify(data)), files, STATE);
  expect(read).toEqual(RECORD);
  expect(read.design.fills[0]?.file).toBe(read.design.fills[1]?.file);
  const other = { ...RECORD, programId: 6, via: 'tail', forced: false } as const;
  expect(decodeRelink(encodeRelink(other).data, files, STATE)).toEqual(other);
});

test('a generated rootlet is recorded with programs that other tools loaded', () => {
  const generated = { mustReturn: ['slot1'], facts: { maker: 'this test' } };
  const guests = [{ slot: 'slot5', component: 'theirs', program: 'their_program', programId: 44 }];
  for (const one of [generated, { ...generated, guests }]) {
    const record = { ...RECORD, design: { ...RECORD.design, generated: one } };
    const { data, files } = encodeRelink(record);
    expect(decodeRelink(JSON.parse(JSON.stringify(data)), files, STATE)).toEqual(record);
  }
});

test('a file that is missing is reported', () => {
  const { data, files } = encodeRelink(RECORD);
  const rest = new Map([...files].filter(([name]) => name !== 'component:one@1'));
  expect(() => decodeRelink(data, rest, STATE)).toThrow(/the file of a\/one\.o/);
});

test('a record that another process wrote is refused, or is one', () => {
  const { data, files } = encodeRelink(RECORD);
  let refused = 0;
  for (const bad of [undefined, ...damaged(data)]) {
    try {
      const { design, via, programId } = decodeRelink(bad, files, STATE);
      expect(['static', 'tail', 'ext']).toContain(via);
      expect(Number.isSafeInteger(programId) && programId >= 0).toBe(true);
      for (const { slot, component, version } of design.fills) {
        expect([typeof slot, typeof component]).toEqual(['string', 'string']);
        expect(version === undefined || Number.isSafeInteger(version)).toBe(true);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(RootletError);
      expect(error).toMatchObject({ code: 'relink-record' });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(150);
});
