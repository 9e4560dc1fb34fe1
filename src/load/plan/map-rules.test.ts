/** Refused maps of a plan: names, places and hints, in a dry run and by the kernel. */

import { describe, expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import type { Sys } from '../../kernel/sys/sys.ts';
import { kernelForTests } from '../../kernel/testing.ts';
import { HOST_ORDER } from '../../kernel/uapi/attr.ts';
import { plainDefinition } from '../../object/model/map-definition.ts';
import { BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LPM_TRIE, BPF_MAP_TYPE_PERF_EVENT_ARRAY } from '../../uapi/index.ts';
import { executeLoad } from '../execute/execute.ts';
import { mapProblems, requireMaps } from './map-rules.ts';
import type { LoadPlan, MapPlan } from './plan.ts';

function map(name: string, changes: Partial<MapPlan>): MapPlan {
  const { inner: _, ...plain } = plainDefinition({
    name,
    type: BPF_MAP_TYPE_HASH,
    keySize: 4,
    valueSize: 4,
    maxEntries: 4,
  });
  const rest = { kernelName: name.slice(0, 15), typed: false, contents: null, frozen: false, initial: [] };
  return { ...plain, ...rest, inner: null, ...changes };
}

function planOf(...maps: readonly MapPlan[]): LoadPlan {
  const nothing = { types: null, btf: null, globals: [], programs: [], notes: [] };
  return { source: 'f.o', objectName: 'f', byteOrder: HOST_ORDER, license: '', maps, ...nothing };
}

const NETWORKS = map('blocked_networks_v4', { type: BPF_MAP_TYPE_LPM_TRIE, keySize: 8 });
const FLOWS = map('flows', { maxEntries: 0 });
const EVENTS = map('events', { type: BPF_MAP_TYPE_PERF_EVENT_ARRAY, maxEntries: 0 });

function problemsOf(body: () => unknown) {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return error.problems;
    throw error;
  }
  return [];
}

test('a map that the kernel takes has no problems', () => {
  expect(mapProblems(planOf(), EVENTS)).toEqual([]);
});

test('a dry run reports every map that would be created', () => {
  const plan = planOf(FLOWS, EVENTS, NETWORKS);
  const problems = problemsOf(() => requireMaps(plan, () => false));
  expect(problems.map(({ code, where, hint }) => [code, where[1], hint])).toEqual([
    ['load-map-definition', 'map "flows"', 'add __uint(max_entries, N), or give --max-entries flows=N'],
    ['load-map-definition', 'map "blocked_networks_v4"', 'add __uint(map_flags, BPF_F_NO_PREALLOC)'],
  ]);
  expect(problemsOf(() => requireMaps(plan, one => one !== FLOWS))).toHaveLength(1);
});

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();

describe.skipIf(reason !== undefined)('refused by the kernel', () => {
  test('the error has every refused map with its full name and the file', () => {
    const problems = problemsOf(() =>
      executeLoad(planOf(EVENTS, FLOWS, NETWORKS), kernel, { pinRoot: null }),
    );
    expect(problems.map(({ code, where }) => [code, ...where])).toEqual([
      ['load-map-definition', 'f.o', 'map "flows"'],
      ['load-map-definition', 'f.o', 'map "blocked_networks_v4"'],
    ]);
  });

  test('for another reason: the errno, with the full name and the file', () => {
    const name = 'a_map_with_a_long_name';
    const refused = map(name, { kernelName: 'not/valid' });
    const [problem] = problemsOf(() => executeLoad(planOf(refused), kernel, { pinRoot: null }));
    expect(problem?.code).toBe('kernel-map-create');
    expect(problem?.where).toEqual(['f.o', `map "${name}"`]);
    expect(problem?.message).toMatch(/^creating it \(hash, key 4, value 4, 4 entries\): .*EINVAL/);
  });
});
