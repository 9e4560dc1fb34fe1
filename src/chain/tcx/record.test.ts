/** Records of tcx members: what is written is read, and what is damaged is refused by name, or left out of listings. */

import { expect, test } from 'vitest';
import type { StoreEntry } from '../../store/index.ts';
import { decodeTcxFacts, encodeTcxFacts, readTcxFacts, type TcxFacts } from './record.ts';

const FACTS: TcxFacts = {
  hook: { interface: 'eth0', ifindex: 3, netns: 'net:[4026531840]', direction: 'egress' },
  name: 'firewall',
  priority: -5,
  continueOn: [-1, 3, 'other'],
  given: { priority: true, continueOn: false },
  counters: true,
};

function entryWith(data: StoreEntry['record']['data']): StoreEntry {
  const lists = { programs: [], maps: [], links: [] };
  const record = { version: 1, kind: 'hook', name: 'e', source: 'a.o', time: null, data, ...lists } as const;
  return { kind: 'hook', name: 'e', generation: 1, path: '/', record };
}

test('what is written is read', () => {
  const data = JSON.parse(JSON.stringify(encodeTcxFacts(FACTS)));
  expect(decodeTcxFacts(entryWith(data))).toEqual(FACTS);
});

test('entries of other kinds have no facts', () => {
  expect(decodeTcxFacts(entryWith({}))).toBeUndefined();
  expect(decodeTcxFacts(entryWith({ chain: { via: 'static' } }))).toBeUndefined();
  expect(decodeTcxFacts(entryWith({ chain: 'tcx' }))).toBeUndefined();
});

const { chain } = encodeTcxFacts(FACTS);
const whole = typeof chain === 'object' && chain !== null && !Array.isArray(chain) ? chain : {};

test.each([
  { name: 1 },
  { priority: '50' },
  { priority: 0.5 },
  { continueOn: 3 },
  { continueOn: ['all'] },
  { given: null },
  { hook: {} },
  { hook: { ...FACTS.hook, direction: 'both' } },
  { hook: { ...FACTS.hook, ifindex: -1 } },
])('damage is refused: %j', field => {
  const entry = entryWith({ chain: { ...whole, ...field } });
  expect(() => decodeTcxFacts(entry)).toThrow(expect.objectContaining({ code: 'relink-record' }));
  expect(readTcxFacts(entry)).toBeUndefined();
});
