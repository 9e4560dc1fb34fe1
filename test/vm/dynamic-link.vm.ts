/** Dynamic linking with function replacement: externs become stubs that a loaded provider's functions replace. */

import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { RootletError } from '../../src/diag/index.ts';
import { type DynamicLoadOptions, type DynamicObject, load } from '../../src/dynamic/index.ts';
import { openById, readLinkInfo, readProgramInfo } from '../../src/kernel/info.ts';
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
    expect(run(consumer, 'deepened')).toBe(8); // 400 bytes of stack, and 448 of its own behind the call
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

describe('by tail and copy', () => {
  test.each(['tail', 'copy'] as const)('%s carries what it can', via => {
    const provider = loaded('provider');
    const consumer = loaded('top', { against: [loaded('between', { against: [provider] })], via });
    expect(run(consumer, 'top')).toBe(41);
    expect(run(consumer, 'top', SHORT)).toBe(140);
    expect(provider.loaded.globals['calls']).toBe(2);
  });

  test('what tail cannot carry is said', () => {
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
