import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { probeMapType } from '../kernel/probes/probe-types.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import type { Sys } from '../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { readObject } from '../object/read/read.ts';
import { BPF_MAP_TYPE_ARENA } from '../uapi/map-types.ts';
import { loadObject } from './load.ts';
import { planLoad } from './plan/object.ts';
import { preparedAlone } from './plan/prepared.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const ARENA = readObject({
  name: 'arena.bpf.o',
  bytes: readFileSync(join(import.meta.dirname, 'testdata/obj/el/arena.bpf.o')),
});
const without = (() => {
  if (sys === undefined) return reason;
  return probeMapType(sys, BPF_MAP_TYPE_ARENA).state === 'no' ? 'needs Linux 6.9' : undefined;
})();

describe.skipIf(without !== undefined)(`on the kernel${without === undefined ? '' : ` (${without})`}`, () => {
  test('variables of an arena have their values, for the program and from outside', () => {
    const before = countFds();
    {
      using object = loadObject(ARENA, kernel);
      expect(object.testRun('add', new Uint8Array(0)).verdict).toBe(42);
      expect(object.globals).toMatchObject({ first: 7, second: 35n, counter: 1 });
      object.variables.set('first', 100);
      expect(object.testRun('add', new Uint8Array(0)).verdict).toBe(135);
      expect(object.variables.get('counter')).toBe(2);
    }
    expect(countFds()).toBe(before);
  });

  test('values can be given before loading', () => {
    using object = loadObject(ARENA, kernel, { globals: { first: 1, second: 2 } });
    expect(object.testRun('add', new Uint8Array(0)).verdict).toBe(3);
  });
});

test('variables are the first bytes of the arena in the plan, and no map of their own', () => {
  const plan = planLoad(preparedAlone(ARENA));
  expect(plan.maps.map(({ name, type }) => [name, type])).toEqual([['arena', BPF_MAP_TYPE_ARENA]]);
  expect(plan.maps[0]?.contents?.length).toBe(20);
  expect(plan.globals.map(({ name, map }) => [name, map])).toEqual([
    ['first', 0],
    ['second', 0],
    ['counter', 0],
  ]);
});

test('without an arena they have no place', () => {
  const object = { ...ARENA, symbols: ARENA.symbols.filter(symbol => symbol.kind !== 'map') };
  const withoutCode = { ...object, symbols: object.symbols.filter(symbol => symbol.kind !== 'function') };
  expect(() => planLoad(preparedAlone(withoutCode))).toThrow(
    /section ".addr_space.1": has variables, but the object has no arena/,
  );
});

test('more variables than the arena has pages for', () => {
  expect(() => planLoad(preparedAlone(ARENA), { maxEntries: new Map([['arena', 0]]) })).toThrow(
    expect.objectContaining({ code: 'load-arena' }),
  );
});
