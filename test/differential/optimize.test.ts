/**
 * The optimizer: random chains of 2 to 20 members and random programs do the same before and after, at every
 * stage and scope; what the kernel loads, it loads optimized, with no more work for its verifier in total.
 *
 * ROOTLET_RUNS sets how many of each, ROOTLET_SEED the first seed; ROOTLET_STAGES=all asks for every stage and scope
 * with each. ROOTLET_SHOW=1 prints the counts.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { buildUnits } from './build.ts';
import { stepsFor } from './check.ts';
import { generateModel } from './generate.ts';
import { buildChain, CHAIN_PROGRAM, describeChain, generateChain, shrinkChain } from './long-chains.ts';
import { describeModel } from './model.ts';
import { randomPackets, type Step } from './observe.ts';
import { attempt, beforeOf, labelOf, Tallies, wrongWith } from './optimized.ts';
import { linked } from './passes.ts';
import { shrink } from './shrink.ts';
import { ALL_VARIANTS, FULL, SCOPES, type Variant, variantsFor } from './stages.ts';

const { ROOTLET_RUNS, ROOTLET_SEED, ROOTLET_STAGES } = process.env;
const COUNT = Number(ROOTLET_RUNS ?? 20);
const FIRST_SEED = Number(ROOTLET_SEED ?? 1);
const PACKETS = 12;
const { sys } = kernelForTests();

const SEEDS = Array.from({ length: COUNT }, (_, index) => FIRST_SEED + index);
const chosenVariants = (seed: number) => (ROOTLET_STAGES === 'all' ? ALL_VARIANTS : variantsFor(seed));
/** Every fifth is big-endian. */
const orderOf = (seed: number) => (seed % 5 === 0 ? 'big' : 'little');

/** Whether an object fails with a variant; one that cannot be built does not. */
function failsWith(build: () => BpfObject, seed: number, steps: readonly Step[], variant: Variant): boolean {
  try {
    const before = beforeOf(build(), seed, steps, sys);
    return (
      typeof before.machine !== 'string' && wrongWith(attempt(before, variant, sys), variant) !== undefined
    );
  } catch {
    return false;
  }
}

/**
 * All of them load below `all`, and what the default scope costs the verifier is at most `factor` times what it was, in
 * total; a few exceed 1.2 times and 100.
 */
function checkTotals(tallies: Tallies): void {
  for (const scope of SCOPES) {
    const counts = tallies.of({ stage: FULL, scope });
    const { programs, optimized, inlined, loaded, before, after, refusals, costly } = counts;
    expect(optimized, `${scope}: optimized of ${programs}`).toBeGreaterThanOrEqual(programs * 0.8);
    expect(inlined, scope).toBeGreaterThan(COUNT / 2);
    if (sys === undefined) continue;
    expect(refusals.length, refusals.join('\n')).toBeLessThanOrEqual(loaded * 0.02);
    if (scope !== 'single') continue;
    expect(after, 'instructions that the verifier processed').toBeLessThanOrEqual(before);
    expect(costly.length, costly.join('\n')).toBeLessThanOrEqual(Math.max(1, loaded * 0.03));
  }
}

describe('random chains', () => {
  const tallies = new Tallies();
  const steps = (seed: number): Step[] =>
    randomPackets(seed, PACKETS).map(packet => ({ program: CHAIN_PROGRAM, packet }));

  test.each(SEEDS)('seed %i', seed => {
    const chain = generateChain(seed, orderOf(seed));
    const before = beforeOf(buildChain(chain), seed, steps(seed), sys);
    expect(before.machine).toBeTypeOf('object');
    for (const variant of chosenVariants(seed)) {
      const outcome = attempt(before, variant, sys);
      const wrong = wrongWith(outcome, variant);
      if (wrong !== undefined) {
        const small = shrinkChain(chain, candidate =>
          failsWith(() => buildChain(candidate), seed, steps(seed), variant),
        );
        expect.fail(`${labelOf(variant)}: ${wrong}\n${describeChain(small)}`);
      }
      if (typeof outcome !== 'string') tallies.add(`seed ${seed}`, variant, outcome);
    }
  });

  afterAll(() => tallies.show('chains'));
  test('are inlined, load, and cost the verifier no more in total', () => checkTotals(tallies));
});

describe('random programs', () => {
  const tallies = new Tallies();

  test.each(SEEDS)('seed %i', seed => {
    const hook = seed % 3 === 0 ? 'tc' : 'xdp';
    const model = generateModel(seed ^ 0x5eed, { hook });
    const build = (of = model) => linked(buildUnits(of, { byteOrder: orderOf(seed) }));
    const steps = stepsFor(model);
    const before = beforeOf(build(), seed, steps, sys);
    for (const variant of chosenVariants(seed)) {
      const outcome = attempt(before, variant, sys);
      const wrong = wrongWith(outcome, variant);
      if (wrong !== undefined) {
        const small = shrink(model, candidate => failsWith(() => build(candidate), seed, steps, variant));
        expect.fail(`${labelOf(variant)}: ${wrong}\n${describeModel(small)}`);
      }
      if (typeof outcome !== 'string') tallies.add(`seed ${seed}`, variant, outcome);
    }
  });

  afterAll(() => tallies.show('programs'));
  test('are inlined, load, and cost the verifier no more in total', () => checkTotals(tallies));
});
