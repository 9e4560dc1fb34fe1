/** What makes an existing map another one than the planned one: each field alone. */

import { expect, test } from 'vitest';
import { BpfMap } from '../../kernel/objects/map.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import { BPF_F_RDONLY_PROG } from '../../uapi/flags.ts';
import { BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH } from '../../uapi/map-types.ts';
import type { MapPlan } from '../plan/plan.ts';
import { pinPathOf, shapeDifferences } from './map-reuse.ts';

const SHAPE = {
  type: BPF_MAP_TYPE_HASH,
  keySize: 4,
  valueSize: 8,
  maxEntries: 10,
  flags: 0,
  mapExtra: 0n,
} as const;

/** A map of that shape, of which only the shape is asked for. */
function mapOf(changes: object): BpfMap {
  const map = BpfMap.create(new FakeSys(), { name: 'm', ...SHAPE });
  return Object.assign(map, { info: () => ({ ...SHAPE, ...changes }) });
}

const PLAN = { name: 'm', ...SHAPE } as unknown as MapPlan; // only its shape is compared

test.each<readonly [string, object, string]>([
  ['type', { type: BPF_MAP_TYPE_LRU_HASH }, 'lru_hash instead of hash'],
  ['key size', { keySize: 8 }, '8 instead of 4'],
  ['value size', { valueSize: 4 }, '4 instead of 8'],
  ['max_entries', { maxEntries: 11 }, '11 instead of 10'],
  ['flags', { flags: 1 }, '0x1 instead of 0x0'],
  ['map_extra', { mapExtra: 5n }, '5 instead of 0'],
])('%s', (field, changes, text) => {
  const found = shapeDifferences(mapOf(changes), PLAN);
  expect(found.map(one => [one.field, `${one.existing} instead of ${one.wanted}`])).toEqual([[field, text]]);
});

test('equal maps, and flags that the kernel adds to maps of devices', () => {
  expect(shapeDifferences(mapOf({}), PLAN)).toEqual([]);
  const devices = { ...PLAN, type: BPF_MAP_TYPE_DEVMAP } as MapPlan;
  const map = mapOf({ type: BPF_MAP_TYPE_DEVMAP, flags: BPF_F_RDONLY_PROG });
  expect(shapeDifferences(map, devices)).toEqual([]);
});

test('pins by name alone have a path; other kinds are refused', () => {
  const pathOf = (pinning: number) => pinPathOf({ name: 'a.b', pinning }, '/pins', 'a.o');
  expect(pathOf(0)).toBeUndefined();
  expect(pathOf(1)).toBe('/pins/a_b');
  expect(() => pathOf(2)).toThrow(expect.objectContaining({ code: 'load-pinning' }));
});
