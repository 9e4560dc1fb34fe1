/** Dynamic linking with function replacement: externs become stubs that a loaded provider's functions replace. */

import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { RootletError } from '../../src/diag/problem.ts';
import type { DynamicObject } from '../../src/dynamic/bind/dynamic-object.ts';
import { load } from '../../src/dynamic/bind/load.ts';
import type { DynamicLoadOptions } from '../../src/dynamic/bind/load-options.ts';
import { bindPending } from '../../src/dynamic/entries/pending.ts';
import { OBJECT_FILE, Registry } from '../../src/dynamic/entries/registry.ts';
import type { StoreLoadOptions } from '../../src/dynamic/entries/store-load.ts';
import { upgrade } from '../../src/dynamic/upgrade/upgrade.ts';
import { openById, readLinkInfo, readProgramInfo } from '../../src/kernel/objects/info.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { Store } from '../../src/store/store.ts';
import { loadStored, runStored } from '../e2e/dynamic/stored.ts';
import { sys } from './guest/kernel.ts';
import { example, vmObject } from './guest/objects.ts';

const PASS = 2;
const DROP = 1;
const PACKET = new Uint8Array(64);
const SHORT = new Uint8Array(34);

const all = new Set<{ close(): void }>();
function loaded(name: string, options: DynamicLoadOptions = {}): DynamicObject {
  const object = load([vmObject(`dynamic_${name}`)], { sys, pinRoot: null, ...options });
  all.add(object);
  return object;
}
const closeAll = () => {
  for (const one of [...all].reverse()) one.close();
  all.clear();
};
beforeEach(closeAll);
afterAll(closeAll);

const only = (...names: string[]) => ({ programs: (name: string) => names.includes(name) });
const run = (object: DynamicObject, program: string, data = PACKET): number =>
  object.loaded.testRun(program, data).verdict;
const vias = (object: DynamicObject) => object.bindings.map(({ extern, via }) => `${extern} ${via}`);

describe('by ext', () => {
  test('the founding example: one function, one variable, one map', () => {
    const first = load([example('first')], { sys });
    all.add(first);
    const second = load([example('second')], { sys, against: [first] });
    all.add(second);
    expect(vias(second)).toEqual(['foo ext', 'minimum share', 'counters share']);
    expect(run(second, 'count')).toBe(PASS);
    expect(run(second, 'count', new Uint8Array(50))).toBe(DROP);
    expect(first.loaded.globals['calls']).toBe(2);
    first.loaded.globals['minimum'] = 40;
    expect(run(second, 'count', new Uint8Array(50))).toBe(PASS);
  });

  test('chosen where it can be; numbers and structs pass, packets may change', () => {
    const provider = loaded('provider');
    const consumer = loaded('consumer', { against: [provider] });
    expect(vias(consumer)).toEqual(['judge ext', 'sum ext', 'cut ext', 'deep ext', 'calls share']);
    expect(run(consumer, 'judged')).toBe(1);
    expect(run(consumer, 'judged', SHORT)).toBe(100);
    expect(run(consumer, 'summed')).toBe(1034);
    expect(run(consumer, 'shortened')).toBe(160);
    expect(run(consumer, 'deepened')).toBe(8); // 400 bytes of stack, and 448 of its own after the call
    expect(run(consumer, 'counted')).toBe(6);
    expect(provider.loaded.globals['calls']).toBe(6);
  });

  test('one loaded replacement serves all stubs of all consumers, and holds what it must', () => {
    const provider = loaded('provider');
    const consumers = [1, 2, 3].map(() =>
      loaded('consumer', { against: [provider], ...only('judged', 'summed', 'counted') }),
    );
    const judges = consumers.flatMap(consumer => consumer.stubLinks.filter(link => link.extern === 'judge'));
    expect(judges).toHaveLength(6); // two programs of each call it
    const ids = new Set(judges.map(({ link }) => readLinkInfo(sys, link.fd.number).programId));
    expect(ids.size).toBe(1);
    for (const consumer of consumers) run(consumer, 'judged');
    expect(provider.loaded.globals['calls']).toBe(3);

    // the provider goes: its function lives on in the stubs, and goes with the last of them
    const [id = 0] = ids;
    provider.close();
    expect(consumers.map(consumer => run(consumer, 'judged'))).toEqual([1, 1, 1]);
    for (const consumer of consumers) consumer.close();
    const left = openById(sys, 'program', id);
    const name = left === undefined ? 'gone' : readProgramInfo(sys, left.number).name;
    left?.close();
    expect(name).toBe('gone');
  });

  test('a stub returns its default until it is bound, and again afterwards', () => {
    const consumer = loaded('consumer', { lazy: true, against: [loaded('provider')], ...only('judged') });
    expect(run(consumer, 'judged')).toBe(1);
    for (const { link } of consumer.stubLinks) link.close();
    expect(run(consumer, 'judged')).toBe(PASS);
  });

  test('a provider that needs another one: replaced functions cannot be replaced again, so its code comes along', () => {
    const provider = loaded('provider');
    const between = loaded('between', { against: [provider] });
    const top = loaded('top', { against: [between] });
    expect(vias(top)).toEqual(['between ext']);
    expect(run(top, 'top')).toBe(41);
    expect(provider.loaded.globals['calls']).toBe(1);
    expect(between.loaded.globals['between_calls']).toBe(1);
  });
});

describe('in a store', () => {
  const store = () => Store.open(sys, '/sys/fs/bpf/rootlet');
  const keep = (name: string, object: string, options: StoreLoadOptions = {}) =>
    loadStored(store(), name, vmObject(`dynamic_${object}`), options);
  const unload = (...names: string[]) => {
    for (const name of names) {
      const entry = store().find('object', name);
      if (entry !== undefined) store().remove(entry);
    }
    rmSync('/sys/fs/bpf/rootlet', { recursive: true, force: true });
  };
  const newVersion = (object: string) => {
    const next = vmObject(`dynamic_${object}`);
    const files = new Map([[OBJECT_FILE, writeObject(next)]]);
    return upgrade(store(), 'provider', next, { source: next.name, files });
  };
  const verdictsOf = (name: string) =>
    ['judged', 'summed'].map(program => runStored(store(), name, program, PACKET));

  test('stubs are filled alternately when the provider gets a new version, and again', () => {
    keep('provider', 'provider');
    keep('one', 'consumer', only('judged', 'summed', 'counted'));
    keep('two', 'consumer', only('judged', 'summed', 'counted'));
    const stubs = () =>
      store()
        .find('object', 'one')
        ?.record.links.map(link => link.name);
    expect(stubs()).toEqual(['stub:judged:judge:a', 'stub:summed:judge:a', 'stub:summed:sum:a']);
    expect(verdictsOf('one')).toEqual([1, 1034]);
    for (let round = 0; round < 3; round++) {
      const report = newVersion('provider_v2');
      expect(report.consumers.map(({ name, how }) => [name, how])).toEqual([
        ['one', ['stub']],
        ['two', ['stub']],
      ]);
      expect(stubs()?.sort()).toEqual(['stub:judged:judge:b', 'stub:summed:judge:b', 'stub:summed:sum:b']);
      expect([verdictsOf('one'), verdictsOf('two')]).toEqual([
        [2, 2035],
        [2, 2035],
      ]);
      newVersion('provider');
      expect(stubs()?.sort()).toEqual(['stub:judged:judge:a', 'stub:summed:judge:a', 'stub:summed:sum:a']);
      expect(verdictsOf('one')).toEqual([1, 1034]);
    }
    unload('one', 'two', 'provider');
  });

  test('no call meets an empty stub, while the program runs on another processor', async () => {
    keep('provider', 'provider');
    keep('watch', 'watch');
    const answers = (): bigint[] => {
      const entry = store().find('object', 'watch');
      if (entry === undefined) throw new Error('no watch');
      using map = store().openMap(entry, '.bss');
      const value = map.lookup(new Uint8Array(4)) ?? new Uint8Array(24);
      return [...new BigUint64Array(value.buffer.slice(value.byteOffset, value.byteOffset + 24))];
    };
    const entry = store().find('object', 'watch');
    const pin = `${entry?.path}/${entry?.record.programs.find(program => program.name === 'watch')?.pin}`;
    writeFileSync('/tmp/watch-data', PACKET);
    const words = ['prog', 'run', 'pinned', pin, 'data_in', '/tmp/watch-data', 'repeat', '60000000'];
    const running = spawn('bpftool', words, { stdio: 'ignore' });
    try {
      while (answers()[0] === 0n) await new Promise(resolve => setTimeout(resolve, 5));
      for (let round = 0; round < 12; round++) newVersion(round % 2 === 0 ? 'provider_v2' : 'provider');
      const [one = 0n, two = 0n, other] = answers();
      expect(other).toBe(0n);
      expect([one > 1000n, two > 1000n]).toEqual([true, true]);
    } finally {
      const ended = new Promise(resolve => running.once('close', resolve));
      running.kill('SIGKILL');
      await ended;
      unload('watch', 'provider');
    }
  });

  test('through another provider, by stubs', () => {
    keep('provider', 'provider');
    keep('between', 'between');
    keep('top', 'top');
    expect(runStored(store(), 'top', 'top', PACKET)).toBe(41);
    const report = newVersion('provider_v2');
    expect(report.consumers.map(({ name, how }) => [name, how])).toEqual([
      ['between', ['reload']],
      ['top', ['stub']],
    ]);
    expect(runStored(store(), 'top', 'top', PACKET)).toBe(42);
    unload('top', 'between', 'provider');
  });

  test('consumers first, bound by stubs when the provider comes', () => {
    keep('top', 'top', { lazy: true });
    expect(runStored(store(), 'top', 'top', PACKET)).toBe(PASS);
    keep('provider', 'provider');
    keep('between', 'between');
    using registry = new Registry(store());
    expect(bindPending(registry, 'between').bound.map(({ entry, binding }) => [entry, binding.via])).toEqual([
      ['top', 'ext'],
    ]);
    expect(runStored(store(), 'top', 'top', PACKET)).toBe(41);
    registry.close();
    unload('top', 'between', 'provider');
  });
});

describe('by tail and copy', () => {
  test.each(['tail', 'copy'] as const)('%s carries what it can', via => {
    const provider = loaded('provider');
    const consumer = loaded('top', { against: [loaded('between', { against: [provider] })], via });
    expect(run(consumer, 'top')).toBe(41);
    expect(run(consumer, 'top', SHORT)).toBe(140);
    expect(provider.loaded.globals['calls']).toBe(2);
  });

  test('what tail cannot carry is reported', () => {
    expect(() => loaded('consumer', { against: [loaded('provider')], via: 'tail' })).toThrow(RootletError);
    try {
      loaded('consumer', { against: [loaded('provider')], via: 'tail' });
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      expect(error.problems.map(problem => problem.message)).toEqual([
        '"sum" cannot be bound by "tail": a tail call passes the context alone; it has other parameters',
        expect.stringMatching(
          /^"deep" cannot be bound by "tail": 4\d\d bytes of stack are in use where it is called/,
        ),
      ]);
    }
  });
});
