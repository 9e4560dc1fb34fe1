/** The founding example, dynamically: second.bpf.o bound to a loaded first.bpf.o, on this kernel. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { RootletError } from '../../../src/diag/problem.ts';
import type { Binding } from '../../../src/dynamic/bind/bindings.ts';
import { load } from '../../../src/dynamic/bind/load.ts';
import type { DynamicLoadOptions } from '../../../src/dynamic/bind/load-options.ts';
import { FakeSys } from '../../../src/kernel/sys/fake.ts';
import type { Sys } from '../../../src/kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../../../src/kernel/testing.ts';
import { XDP_DROP, XDP_PASS } from '../../../src/uapi/verdicts.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const OBJECTS = path.join(import.meta.dirname, '../../../examples/obj/el');

const SHORT = new Uint8Array(50);
const LONG = new Uint8Array(64);

function input(name: string) {
  return { name, bytes: readFileSync(path.join(OBJECTS, name)) };
}

function loadExample(name: string, options: DynamicLoadOptions = {}) {
  return load([input(name)], { sys: kernel, ...options });
}

const viaOf = (bindings: readonly Binding[], name: string) =>
  bindings.find(binding => binding.extern === name)?.via;

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  test.each(['copy', 'tail'] as const)('by %s: one function, one variable, one map, shared', via => {
    const before = countFds();
    {
      using first = loadExample('first.bpf.o');
      using second = loadExample('second.bpf.o', { against: [first], via });
      expect(viaOf(second.bindings, 'foo')).toBe(via);
      expect(viaOf(second.bindings, 'minimum')).toBe('share');
      expect(viaOf(second.bindings, 'counters')).toBe('share');

      expect(second.loaded.testRun('count', LONG).verdict).toBe(XDP_PASS);
      expect(second.loaded.testRun('count', SHORT).verdict).toBe(XDP_DROP);
      // the provider's own state: its static counter, its map, its limit
      expect(first.loaded.globals['calls']).toBe(2);
      expect(second.loaded.globals['calls']).toBe(2);
      expect([...first.loaded.typedMap('counters').entries()].slice(0, 2)).toEqual([
        [0, 1n],
        [1, 1n],
      ]);
      first.loaded.globals['minimum'] = 40;
      expect(second.loaded.testRun('count', SHORT).verdict).toBe(XDP_PASS);
      first.loaded.globals['minimum'] = 0;
      expect(second.loaded.testRun('count', SHORT).verdict).toBe(0); // the consumer reads it too
    }
    expect(countFds()).toBe(before);
  });

  test('two consumers share one counter, whatever their back ends', () => {
    using first = loadExample('first.bpf.o');
    using one = loadExample('second.bpf.o', { against: [first], via: 'tail' });
    using other = loadExample('second.bpf.o', { against: [first], via: 'copy' });
    for (const consumer of [one, other, one]) consumer.loaded.testRun('count', LONG);
    expect(first.loaded.globals['calls']).toBe(3);
    expect(one.loaded.globals['calls']).toBe(2);
    expect(other.loaded.globals['calls']).toBe(1);
  });

  test('the provider may close first: what consumers took lives on', () => {
    const first = loadExample('first.bpf.o');
    using tail = loadExample('second.bpf.o', { against: [first], via: 'tail' });
    using copy = loadExample('second.bpf.o', { against: [first], via: 'copy' });
    first.close();
    for (const consumer of [tail, copy]) {
      expect(consumer.loaded.testRun('count', SHORT).verdict).toBe(XDP_DROP);
      expect(consumer.loaded.testRun('count', LONG).verdict).toBe(XDP_PASS);
    }
  });

  test('nothing to bind to is an error that names every extern', () => {
    try {
      loadExample('second.bpf.o');
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      expect(error.problems.map(problem => [problem.code, problem.message])).toEqual([
        ['dynamic-undefined', '"foo" is defined neither here nor by a loaded object'],
        ['dynamic-undefined', '"minimum" is defined neither here nor by a loaded object'],
        ['dynamic-undefined', '"counters" is defined neither here nor by a loaded object'],
      ]);
    }
  });
});
