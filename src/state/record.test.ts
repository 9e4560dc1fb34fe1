import { expect, test } from 'vitest';
import { damaged } from '../../test/support/damaged.ts';
import { RootletError } from '../diag/problem.ts';
import type { JsonObject } from '../store/fields.ts';
import type { StoredState } from './decision.ts';
import { mapKey } from './identity.ts';
import { decodeEntryState, type EntryState, encodeEntryState } from './record.ts';

const plain = { contents: null, inner: null };
const STATES: readonly StoredState[] = [
  { owner: null, name: '.bss', ...plain },
  { owner: null, name: 'rules', ...plain },
  { owner: 'fw', name: 'rules', ...plain },
  { owner: 'fw', name: 'rules', version: 1, ...plain },
  {
    owner: 'fw-2',
    name: 'stages',
    contents: new Map([
      [0, 7],
      [4, 8],
    ]),
    inner: null,
  },
  { owner: '__proto__', name: 'outer', contents: null, inner: 'type 2 key 4 value 8 entries 1 flags 0' },
];
const STATE: EntryState = {
  states: new Map(STATES.map(state => [mapKey(state), state])),
  settings: new Map([['fw', { globals: new Map([['limit', 5n]]), maxEntries: new Map([['rules', 64]]) }]]),
};

const document = (): JsonObject => JSON.parse(JSON.stringify(encodeEntryState(STATE)));

test('what is written is read again', () => {
  expect(decodeEntryState(document())).toEqual(STATE);
});

test('keys say whose a map is, and are not believed', () => {
  expect([...STATE.states.keys()]).toEqual([
    '.bss',
    'rules',
    'fw:rules',
    'fw@1:rules',
    'fw-2:stages',
    '__proto__:outer',
  ]);
  const { states } = document();
  const renamed = { states: { wrong: Object.values(states as JsonObject)[2] ?? null } };
  expect([...decodeEntryState(renamed).states.keys()]).toEqual(['fw:rules']);
});

test('an entry of a version without states has none', () => {
  expect(decodeEntryState({})).toEqual({ states: new Map(), settings: new Map() });
});

test('other data of an entry is left alone', () => {
  expect(decodeEntryState({ ...document(), attach: { kind: 'xdp' } })).toEqual(STATE);
});

test('what cannot be read is refused, and everything else is states', () => {
  let refused = 0;
  for (const bad of damaged(document()['states'] ?? null)) {
    try {
      for (const [key, state] of decodeEntryState({ states: bad }).states) {
        expect(key).toBe(mapKey(state));
        const { owner, name, version = 0, contents, inner } = state;
        expect([owner ?? '', name, inner ?? ''].every(text => typeof text === 'string')).toBe(true);
        const numbers = [version, ...(contents ?? [])].flat();
        expect(numbers.every(number => Number.isSafeInteger(number) && number >= 0)).toBe(true);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(RootletError);
      expect(error).toMatchObject({ code: 'state-record' });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(250);
});
