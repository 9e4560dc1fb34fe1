/**
 * Random programs through every pass of the linker: the embedded machine sees no difference to the program that was
 * built as one object, and what the kernel loaded before it loads after, with the same results.
 *
 * ROOTLET_RUNS sets how many programs, ROOTLET_SEED the first seed. A failure names its seed and shows a
 * reduced program.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { type Judge, judgeOf, verdictOf } from './check.ts';
import { generateModel } from './generate.ts';
import { describeModel, type Model } from './model.ts';
import { VARIANTS, type Variant } from './passes.ts';
import { shrink } from './shrink.ts';

const { ROOTLET_RUNS, ROOTLET_SEED } = process.env;
const COUNT = Number(ROOTLET_RUNS ?? 16);
const FIRST_SEED = Number(ROOTLET_SEED ?? 1);
const { sys } = kernelForTests();

/** Every fifth is big-endian. */
const orderOf = (seed: number) => (seed % 5 === 0 ? 'big' : 'little');

/** Every third is a classifier. */
const hookOf = (seed: number) => (seed % 3 === 0 ? 'tc' : 'xdp');

/** A quarter of the passes goes to the kernel with each program, all of them with every four programs. */
const kernelFor = (seed: number, position: number) => ((seed + position) % 4 === 0 ? sys : undefined);

describe('random programs', () => {
  const loads: boolean[] = [];
  const applied = new Set<string>();

  test.each(Array.from({ length: COUNT }, (_, index) => FIRST_SEED + index))('seed %i', seed => {
    const judge = judgeOf(generateModel(seed, { hook: hookOf(seed) }), orderOf(seed), sys);
    if (judge.loads !== undefined) loads.push(judge.loads);
    VARIANTS.forEach((variant, position) => {
      const kernel = kernelFor(seed, position);
      const wrong = verdictOf(judge, variant, kernel, () => applied.add(variant.name));
      if (wrong !== undefined) expect.fail(report(judge, variant, wrong));
    });
  });

  function report(judge: Judge, variant: Variant, wrong: string): string {
    const fails = (candidate: Model): boolean => {
      try {
        return verdictOf(judgeOf(candidate, judge.order, sys), variant, sys) !== undefined;
      } catch {
        return false;
      }
    };
    return `${variant.name}: ${wrong}\n${describeModel(shrink(judge.model, fails))}`;
  }

  afterAll(() => {
    expect([...applied].sort()).toEqual(VARIANTS.map(variant => variant.name).sort());
  });

  test.skipIf(sys === undefined)('are programs that the kernel loads', () => {
    expect(loads.filter(Boolean).length).toBeGreaterThanOrEqual(loads.length * 0.95);
    expect(loads.length).toBeGreaterThan(COUNT / 2);
  });
});
