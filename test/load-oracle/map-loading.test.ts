/**
 * Map definitions from C to the kernel: libbpf and rootlet load the same objects and create the same maps, and
 * dry run and machine agree with the load. Where rootlet completes a definition that libbpf does not, the case
 * says so.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { RootletError } from '../../src/diag/problem.ts';
import { FakeSys } from '../../src/kernel/sys/fake.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { link } from '../../src/link/link.ts';
import { loadObject, prepareLoad } from '../../src/load/load.ts';
import { requireMaps } from '../../src/load/plan/map-rules.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { createMachine } from '../../src/vm/run/machine.ts';
import { compileInto, inputFrom } from '../support/compile.ts';
import { missing } from '../support/needs.ts';
import { noOracle, Oracle } from './support-oracle.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const skipped = noOracle('1.1') ?? missing('clang') ?? reason;

const NAME = 'a_map_with_a_long_name';

type Outcome = 'loaded' | 'refused';

/** Members of the definition after its type; what libbpf does, what rootlet does; whether `link` notes it. */
type Case = readonly [
  name: string,
  type: string,
  members: string,
  libbpf: Outcome,
  rootlet: Outcome,
  noted: boolean,
];

const WITH_BOTH = '__type(key, int); __type(value, int);';

const CASES: readonly Case[] = [
  ['hash', 'HASH', `${WITH_BOTH} __uint(max_entries, 8);`, 'loaded', 'loaded', false],
  ['no entries', 'HASH', WITH_BOTH, 'refused', 'refused', false],
  [
    'unknown flag',
    'HASH',
    `${WITH_BOTH} __uint(max_entries, 8); __uint(map_flags, 1 << 20);`,
    'refused',
    'refused',
    true,
  ],
  [
    'long keys',
    'ARRAY',
    '__type(key, long); __type(value, int); __uint(max_entries, 8);',
    'refused',
    'refused',
    true,
  ],
  [
    'perf events',
    'PERF_EVENT_ARRAY',
    '__uint(key_size, 4); __uint(value_size, 4);',
    'loaded',
    'loaded',
    false,
  ],
  ['perf events without sizes', 'PERF_EVENT_ARRAY', '', 'refused', 'loaded', false],
  ['perf events with values', 'PERF_EVENT_ARRAY', '__type(value, struct event);', 'refused', 'loaded', false],
  ['CPUs', 'CPUMAP', '__type(key, int); __type(value, int);', 'refused', 'loaded', false],
  ['ring', 'RINGBUF', '__uint(max_entries, 4096);', 'loaded', 'loaded', false],
  ['ring, rounded', 'RINGBUF', '__uint(max_entries, 5000);', 'loaded', 'loaded', false],
  ['ring of user space, rounded', 'USER_RINGBUF', '__uint(max_entries, 100);', 'loaded', 'loaded', false],
  [
    'ring with values',
    'RINGBUF',
    '__type(value, struct event); __uint(max_entries, 4096);',
    'refused',
    'loaded',
    false,
  ],
  [
    'ring with a value size',
    'RINGBUF',
    '__uint(value_size, 8); __uint(max_entries, 4096);',
    'refused',
    'refused',
    true,
  ],
  ['ring without size', 'RINGBUF', '', 'refused', 'refused', false],
  [
    'trie',
    'LPM_TRIE',
    '__type(key, long); __type(value, int); __uint(max_entries, 8); __uint(map_flags, 1);',
    'loaded',
    'loaded',
    false,
  ],
  [
    'trie without its flag',
    'LPM_TRIE',
    '__type(key, long); __type(value, int); __uint(max_entries, 8);',
    'refused',
    'refused',
    true,
  ],
  ['queue', 'QUEUE', '__type(value, int); __uint(max_entries, 8);', 'loaded', 'loaded', false],
  ['queue with keys', 'QUEUE', `${WITH_BOTH} __uint(max_entries, 8);`, 'refused', 'refused', true],
  [
    'bloom filter',
    'BLOOM_FILTER',
    '__type(value, int); __uint(max_entries, 8); __uint(map_extra, 3);',
    'loaded',
    'loaded',
    false,
  ],
  ['task storage', 'TASK_STORAGE', `${WITH_BOTH} __uint(map_flags, 1);`, 'loaded', 'loaded', false],
  [
    'task storage, long keys',
    'TASK_STORAGE',
    '__type(key, long); __type(value, int); __uint(map_flags, 1);',
    'refused',
    'refused',
    true,
  ],
  [
    'no inner map',
    'HASH_OF_MAPS',
    '__type(key, int); __type(value, int); __uint(max_entries, 8);',
    'refused',
    'refused',
    false,
  ],
  [
    'program array',
    'PROG_ARRAY',
    '__type(key, int); __type(value, long); __uint(max_entries, 8);',
    'refused',
    'refused',
    true,
  ],
  [
    'devices',
    'DEVMAP',
    '__uint(key_size, 4); __uint(value_size, 8); __uint(max_entries, 8);',
    'loaded',
    'loaded',
    false,
  ],
];

function sourceOf([, type, members]: Case): string {
  return [
    '#include "case.h"',
    'struct event { int pid; char text[16]; };',
    `struct { __uint(type, BPF_MAP_TYPE_${type}); ${members} } a_map_with_a_long_name SEC(".maps");`,
    'PROGRAM prog(CONTEXT) { return 2; }',
    'LICENSE("GPL");',
  ].join('\n');
}

function outcomeOf(body: () => unknown): Outcome {
  try {
    body();
    return 'loaded';
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    const [problem] = error.problems;
    expect(problem?.where.at(-1)).toBe('map "a_map_with_a_long_name"');
    expect(problem?.code).toMatch(/^(load|vm)-map-definition$/);
    expect(problem?.hint).toBeDefined();
    return 'refused';
  }
}

describe.skipIf(skipped !== undefined)(`like libbpf${skipped === undefined ? '' : ` (${skipped})`}`, () => {
  const oracle = skipped === undefined ? new Oracle() : undefined;
  afterAll(() => oracle?.close());

  test.each(CASES.map((one, index) => [one[0], index, one] as const))('%s', (_name, index, one) => {
    const [, , , libbpf, rootlet, noted] = one;
    const [file = ''] = compileInto(oracle?.directory ?? '', { [`map${index}`]: sourceOf(one) });
    const object = readObject(inputFrom(file));
    const theirs = oracle?.load(file);
    expect(theirs?.error === 0 ? 'loaded' : 'refused').toBe(libbpf);
    const { outcome, created } = loaded(object);
    expect(outcome).toBe(rootlet);
    if (libbpf === 'loaded') expect(created).toEqual(shapeOf(theirs?.maps[0]));
    expect(outcomeOf(() => requireMaps(prepareLoad(object, kernel).plan, () => false))).toBe(rootlet);
    expect(outcomeOf(() => createMachine(object))).toBe(rootlet);
    const result = link([inputFrom(file)]);
    expect(result.ok && result.notes.some(note => note.startsWith('no kernel takes map'))).toBe(noted);
  });

  function loaded(object: BpfObject) {
    let created: unknown;
    const outcome = outcomeOf(() => {
      using done = loadObject(object, kernel, { pinRoot: null });
      const { keyTypeId: keyType, valueTypeId: valueType, ...info } = done.map(NAME).info();
      created = shapeOf({ ...info, keyType, valueType });
    });
    return { outcome, created };
  }
});

interface Shape {
  readonly type?: number;
  readonly keySize?: number;
  readonly valueSize?: number;
  readonly maxEntries?: number;
  readonly flags?: number;
  readonly keyType?: number;
  readonly valueType?: number;
}

function shapeOf(map: Shape | undefined) {
  const { type, keySize, valueSize, maxEntries, flags, keyType, valueType } = map ?? {};
  return { type, keySize, valueSize, maxEntries, flags, typed: keyType !== 0 || valueType !== 0 };
}
