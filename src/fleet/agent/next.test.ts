/** Decisions of an agent, with any time and any order of events. */

import { expect, test } from 'vitest';
import { given } from '../../bytes/given.ts';
import { placeOf } from '../desired/selector.ts';
import { type AgentAction, type AgentFacts, assignedRevision, CHECK_MS, nextAction } from './next.ts';
import type { HostState } from './status.ts';

const FACTS: AgentFacts = {
  host: 'a',
  target: { stable: 5, next: null },
  isDrained: false,
  seen: 5,
  applied: 5,
  isRestored: true,
  isEmptied: false,
  failure: undefined,
  checked: 1000,
};

const failure = (revision: number, state: HostState, attempts = 1) => ({
  revision,
  state,
  attempts,
  time: 1000,
});
const BELOW = placeOf('s', 'a') + 0.0001;

const CASES: readonly (readonly [string, Partial<AgentFacts>, AgentAction['kind'], number?])[] = [
  ['nothing to do', {}, 'wait'],
  ['hooks are compared from time to time', { checked: 1000 - CHECK_MS * 2 }, 'check'],
  ['a newer revision', { target: { stable: 6, next: null } }, 'apply', 6],
  [
    'of a wave that the host is in',
    { target: { stable: 5, next: { revision: 6, salt: 's', upTo: BELOW } } },
    'apply',
    6,
  ],
  [
    'of a wave that the host is not in',
    { target: { stable: 5, next: { revision: 6, salt: 's', upTo: 0 } } },
    'wait',
  ],
  ['an older revision', { target: { stable: 4, next: null } }, 'refuse', 4],
  [
    'an older revision, which was refused',
    { target: { stable: 4, next: null }, failure: failure(4, 'older') },
    'wait',
  ],
  ['a newer one was begun, and the target is the one that runs', { seen: 6 }, 'refuse', 5],
  [
    'etcd was not reached, and nothing was restored',
    { target: undefined, isDrained: undefined, isRestored: false },
    'restore',
  ],
  ['etcd was not reached', { target: undefined, isDrained: undefined }, 'wait'],
  ['restored before anything else', { target: { stable: 6, next: null }, isRestored: false }, 'restore'],
  ['a host that had nothing', { applied: 0, seen: 0, isRestored: false }, 'apply', 5],
  ['nothing is assigned', { applied: 0, seen: 0, target: { stable: 0, next: null } }, 'wait'],
  ['drained', { isDrained: true }, 'drain'],
  ['drained before it was restored', { isDrained: true, isRestored: false }, 'drain'],
  ['drained already', { isDrained: true, isEmptied: true }, 'wait'],
  ['no longer drained', { isEmptied: true }, 'apply', 5],
  [
    'the verifier refused: only another revision helps',
    { target: { stable: 6, next: null }, failure: failure(6, 'verifier-refused', 9) },
    'wait',
  ],
  [
    'the registry is away: a little later',
    { target: { stable: 6, next: null }, failure: failure(6, 'registry-away') },
    'apply',
    6,
  ],
  [
    'a failure of another revision does not count',
    { target: { stable: 7, next: null }, failure: failure(6, 'verifier-refused') },
    'apply',
    7,
  ],
];

for (const [name, changes, kind, revision] of CASES)
  test(name, () => {
    const action = nextAction({ ...FACTS, ...changes }, 10_000, 0.5);
    expect(action).toMatchObject({ kind, ...given({ revision }) });
  });

test('retries are later and later, up to two minutes, and spread', () => {
  const target = { stable: 6, next: null };
  const waits = Array.from({ length: 12 }, (_, at) => {
    const action = nextAction({ ...FACTS, target, failure: failure(6, 'registry-away', at + 1) }, 1000, 0.9);
    return action.kind === 'wait' ? action.milliseconds : 0;
  });
  expect(waits).toEqual([...waits].sort((a, b) => a - b));
  expect(waits[0]).toBeLessThanOrEqual(2000);
  expect(waits.at(-1)).toBeLessThanOrEqual(120_000);
  expect(waits.at(-1)).toBeGreaterThan(100_000);
});

test('random events: a host never begins with an older revision than one that it has begun', () => {
  let state = 7;
  const random = (limit: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
  for (let round = 0; round < 300; round++) {
    let facts: AgentFacts = { ...FACTS, seen: 0, applied: 0, isRestored: false };
    for (let time = 0; time < 60; time++) {
      const next =
        random(3) === 0 ? { revision: random(20) + 1, salt: String(round), upTo: random(100) / 100 } : null;
      if (random(2) === 0) facts = { ...facts, target: { stable: random(20), next } };
      if (random(10) === 0) facts = { ...facts, isDrained: random(2) === 0 };
      if (random(10) === 0) facts = { ...facts, isRestored: facts.seen > facts.applied }; // killed
      const action = nextAction(facts, time * 100_000, random(100) / 100);
      if (action.kind === 'drain') facts = { ...facts, isEmptied: true };
      if (action.kind === 'restore') facts = { ...facts, isRestored: true };
      if (action.kind === 'refuse') {
        expect(action.revision).toBeLessThan(facts.seen);
        facts = { ...facts, failure: { revision: action.revision, state: 'older', attempts: 1, time } };
      }
      if (action.kind !== 'apply') continue;
      expect(action.revision).toBeGreaterThanOrEqual(facts.seen);
      expect(facts.target === undefined ? 0 : assignedRevision(facts.target, 'a')).toBe(action.revision);
      facts = { ...facts, seen: action.revision };
      if (random(3) > 0) facts = { ...facts, applied: action.revision, isEmptied: false, isRestored: true };
      else
        facts = {
          ...facts,
          failure: failure(action.revision, random(2) === 0 ? 'failed' : 'verifier-refused'),
        };
    }
  }
});
