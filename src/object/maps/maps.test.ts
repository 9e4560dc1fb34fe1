/** Rules of map definitions: one accepted and one refused definition for each rule of the table. */

import { describe, expect, test } from 'vitest';
import * as uapi from '../../uapi/index.ts';
import { plainDefinition } from '../model/map-definition.ts';
import { mapRefusals } from './check.ts';
import { completeMap, countsCpus, kernelEntries, ringSize } from './complete.ts';
import { mapFlagNeeds, mapFlagsText } from './flags.ts';
import { MAP_KINDS } from './kinds.ts';
import type { MapMachine, MapShape } from './shape.ts';
import { takesTypes } from './types.ts';

const MACHINE: MapMachine = { pageSize: 4096, cpus: 4, cpuLimit: 256, stackDepth: 127, nodes: [0] };

function shape(type: number, changes: Partial<MapShape> = {}): MapShape {
  return { ...plainDefinition({ name: 'm', type, keySize: 4, valueSize: 4, maxEntries: 8 }), ...changes };
}

const ARRAY = shape(uapi.BPF_MAP_TYPE_ARRAY);

describe('every type is in the table', () => {
  test.each(Array.from({ length: uapi.MAP_TYPE_COUNT - 1 }, (_, index) => index + 1))('type %i', type => {
    expect(MAP_KINDS.has(type)).toBe(true);
  });
});

const CASES: readonly (readonly [
  what: string,
  type: number,
  good: Partial<MapShape>,
  bad: Partial<MapShape>,
  errno: number,
])[] = [
  ['array keys', uapi.BPF_MAP_TYPE_ARRAY, {}, { keySize: 8 }, uapi.EINVAL],
  ['array entries', uapi.BPF_MAP_TYPE_ARRAY, {}, { maxEntries: 0 }, uapi.EINVAL],
  ['array size', uapi.BPF_MAP_TYPE_ARRAY, {}, { valueSize: 2 ** 31 }, uapi.E2BIG],
  ['hash keys', uapi.BPF_MAP_TYPE_HASH, { keySize: 1 }, { keySize: 0 }, uapi.EINVAL],
  ['hash flags', uapi.BPF_MAP_TYPE_HASH, { flags: 1 }, { flags: 1 << 20 }, uapi.EINVAL],
  ['hash entries', uapi.BPF_MAP_TYPE_HASH, { maxEntries: 2 ** 27 }, { maxEntries: 2 ** 27 + 1 }, uapi.E2BIG],
  ['per-CPU values', uapi.BPF_MAP_TYPE_PERCPU_HASH, { valueSize: 32768 }, { valueSize: 32769 }, uapi.E2BIG],
  ['LRU', uapi.BPF_MAP_TYPE_LRU_HASH, {}, { flags: uapi.BPF_F_NO_PREALLOC }, uapi.ENOTSUPP],
  ['trie flags', uapi.BPF_MAP_TYPE_LPM_TRIE, { keySize: 8, flags: 1 }, { keySize: 8 }, uapi.EINVAL],
  ['trie keys', uapi.BPF_MAP_TYPE_LPM_TRIE, { keySize: 5, flags: 1 }, { keySize: 4, flags: 1 }, uapi.EINVAL],
  ['program arrays', uapi.BPF_MAP_TYPE_PROG_ARRAY, {}, { valueSize: 8 }, uapi.EINVAL],
  ['device maps', uapi.BPF_MAP_TYPE_DEVMAP, { valueSize: 8 }, { valueSize: 12 }, uapi.EINVAL],
  ['CPU maps', uapi.BPF_MAP_TYPE_CPUMAP, { maxEntries: 256 }, { maxEntries: 257 }, uapi.E2BIG],
  ['queues', uapi.BPF_MAP_TYPE_QUEUE, { keySize: 0 }, {}, uapi.EINVAL],
  [
    'rings',
    uapi.BPF_MAP_TYPE_RINGBUF,
    { keySize: 0, valueSize: 0, maxEntries: 8192 },
    { keySize: 0, valueSize: 0, maxEntries: 12288 },
    uapi.EINVAL,
  ],
  ['stacks', uapi.BPF_MAP_TYPE_STACK_TRACE, { valueSize: 127 * 8 }, { valueSize: 128 * 8 }, uapi.EINVAL],
  [
    'bloom filters',
    uapi.BPF_MAP_TYPE_BLOOM_FILTER,
    { keySize: 0, mapExtra: 15n },
    { keySize: 0, mapExtra: 16n },
    uapi.EINVAL,
  ],
  ['map_extra', uapi.BPF_MAP_TYPE_HASH, {}, { mapExtra: 1n }, uapi.EINVAL],
  ['NUMA nodes', uapi.BPF_MAP_TYPE_HASH, { flags: 4 }, { flags: 4, numaNode: 3 }, uapi.EINVAL],
  ['both ways', uapi.BPF_MAP_TYPE_HASH, { flags: 8 }, { flags: 24 }, uapi.EINVAL],
  ['maps of maps', uapi.BPF_MAP_TYPE_HASH_OF_MAPS, { inner: ARRAY }, {}, uapi.EINVAL],
  [
    'inner type',
    uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS,
    { inner: ARRAY },
    { inner: shape(uapi.BPF_MAP_TYPE_PROG_ARRAY) },
    uapi.ENOTSUPP,
  ],
  [
    'inner map',
    uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS,
    { inner: ARRAY },
    { inner: { ...ARRAY, keySize: 8 } },
    uapi.EINVAL,
  ],
  [
    'arenas',
    uapi.BPF_MAP_TYPE_ARENA,
    { keySize: 0, valueSize: 0, flags: 1024 },
    { keySize: 0, valueSize: 0, flags: 1024, mapExtra: 0xffff_f000n },
    uapi.ERANGE,
  ],
  [
    'local storage',
    uapi.BPF_MAP_TYPE_TASK_STORAGE,
    { maxEntries: 0, flags: 1, keyType: 1, valueType: 1 },
    { maxEntries: 0, flags: 1 },
    uapi.EINVAL,
  ],
];

test.each(CASES)('%s', (_what, type, good, bad, errno) => {
  expect(mapRefusals(shape(type, good), MACHINE)).toEqual([]);
  const [first, ...others] = mapRefusals(shape(type, bad), MACHINE);
  expect(first?.errno).toBe(errno);
  expect(others).toEqual([]);
  expect(first?.message).toMatch(/^(has|lacks|is) /);
  expect(first?.remedy).not.toBe('');
});

test('all reasons at once, the first of the kernel first', () => {
  const refusals = mapRefusals(shape(uapi.BPF_MAP_TYPE_LRU_HASH, { flags: 1, maxEntries: 0 }), MACHINE);
  expect(refusals.map(({ field, errno }) => [field, errno])).toEqual([
    ['map_flags', uapi.ENOTSUPP],
    ['max_entries', uapi.EINVAL],
  ]);
});

test('a type that is not known', () => {
  expect(mapRefusals(shape(99), MACHINE).map(({ message }) => message)).toEqual([
    'has type 99, which is not known',
  ]);
});

test('names of flags', () => {
  expect(mapFlagsText(0x100000 + uapi.BPF_F_MMAPABLE)).toBe('BPF_F_MMAPABLE | 0x100000');
  expect(mapFlagNeeds(uapi.BPF_F_MMAPABLE)).toEqual(['BPF_F_MMAPABLE needs Linux 5.5']);
});

describe('what loaders complete', () => {
  test.each([
    [uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 0, 4],
    [uapi.BPF_MAP_TYPE_CPUMAP, 0, 4],
    [uapi.BPF_MAP_TYPE_HASH, 0, 0],
    [uapi.BPF_MAP_TYPE_RINGBUF, 5000, 8192],
    [uapi.BPF_MAP_TYPE_USER_RINGBUF, 4096, 4096],
    [uapi.BPF_MAP_TYPE_HASH, 5000, 5000],
  ])('max_entries of type %i: %i becomes %i', (type, maxEntries, expected) => {
    expect(kernelEntries({ type, maxEntries }, MACHINE)).toBe(expected);
    expect(countsCpus({ type, maxEntries })).toBe(maxEntries === 0 && expected === 4);
  });

  test('a value type that is for tools only', () => {
    const events = shape(uapi.BPF_MAP_TYPE_RINGBUF, {
      keySize: 0,
      valueSize: 20,
      valueType: 3,
      maxEntries: 4096,
    });
    expect(mapRefusals(completeMap(events, MACHINE), MACHINE)).toEqual([]);
    expect(mapRefusals(completeMap({ ...events, valueType: 0 }, MACHINE), MACHINE)).toHaveLength(1);
    const perf = shape(uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, { valueSize: 20, valueType: 3 });
    expect(completeMap(perf, MACHINE).valueSize).toBe(4);
    expect(takesTypes(perf)).toBe(false);
  });

  test('rings stay below the largest u32', () => {
    expect(ringSize(2 ** 32 - 1, 4096)).toBe(2 ** 31);
  });
});
