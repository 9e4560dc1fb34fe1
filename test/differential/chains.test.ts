/**
 * Chains of random programs: what the chain does, in the machine and in the kernel, is what its components do one after
 * the other. ROOTLET_RUNS sets how many of each sort, ROOTLET_SEED the first seed.
 */

import { describe, expect, test } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { SeededRandom } from '../hostile/random.ts';
import { leftOut } from '../support/needs.ts';
import { CHAINS, inTurn, sharedChain } from './chains.ts';
import { kernelObservation } from './check.ts';
import { difference, inMachine, observe, randomPackets } from './observe.ts';

const { ROOTLET_RUNS, ROOTLET_SEED } = process.env;
const COUNT = Number(ROOTLET_RUNS ?? 6);
const FIRST_SEED = Number(ROOTLET_SEED ?? 1);
const { sys } = kernelForTests();

const ALL = [...CHAINS, { name: 'shared state', make: sharedChain }].flatMap(one => [
  { ...one, optimize: false },
  { ...one, name: `${one.name}, optimized`, optimize: true },
]);

describe.each(ALL)('$name', ({ make, optimize }) => {
  let verdicts = 0;
  test.each(Array.from({ length: COUNT }, (_, index) => FIRST_SEED + index))('seed %i', seed => {
    const chain = make(seed, new SeededRandom(seed), optimize);
    const steps = randomPackets(seed, 12).map(packet => ({ program: chain.program, packet }));
    const reference = observe(inTurn(chain, seed), steps);
    verdicts += new Set(reference.runs.map(run => run[0])).size;
    const machine = observe(inMachine(chain.object, seed), steps);
    expect(difference(reference, machine, { mayLack: true })).toBeUndefined();
    if (sys === undefined) return leftOut('bpf');
    const kernel = kernelObservation(chain.object, sys, seed, steps);
    if (typeof kernel === 'string') expect.fail(kernel);
    expect(difference(reference, kernel, { mayLack: true })).toBeUndefined();
  });

  test('do not always end the same way', () => {
    expect(verdicts).toBeGreaterThan(COUNT);
  });
});
