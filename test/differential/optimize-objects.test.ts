/**
 * The optimizer on compiled objects (Debian's, the examples, the cases and what cases link): the same before and
 * after at every stage, in the machine and in the kernel. ROOTLET_SHOW=1 prints the counts.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { follow, ORDERS, readCases } from '../support/case-files.ts';
import { COMPILED, type CompiledObject, SHOWS_PLACES } from './compiled-objects.ts';
import { attempt, beforeOf, labelOf, Tallies, wrongWith } from './optimized.ts';
import { packetPrograms, stepsFor } from './single.ts';
import { FULL, SCOPES, STAGES, type Variant } from './stages.ts';

const SEED = 20261123;
const { ROOTLET_STAGES } = process.env;
const { sys } = kernelForTests();

/** What the recipes of the cases make. */
function linkedCases(): CompiledObject[] {
  return readCases().flatMap(({ name, blocks }) =>
    blocks.flatMap(({ recipes }, at) =>
      ORDERS.flatMap(order =>
        recipes.flatMap((recipe, index) => {
          const made = follow(recipe, name, order);
          if (!made.ok || packetPrograms(made.object).length === 0) return [];
          return [{ name: `${name}/${order} linked ${at}.${index}`, object: made.object }];
        }),
      ),
    ),
  );
}

/** All passes at every scope; each other stage at one: all of them with ROOTLET_STAGES=all, else two for each object. */
const [FULL_VARIANTS, OTHERS] = [
  SCOPES.map((scope): Variant => ({ stage: FULL, scope })),
  Object.keys(STAGES)
    .filter(stage => stage !== FULL)
    .map((stage, at): Variant => ({ stage, scope: SCOPES[at % SCOPES.length] ?? 'all' })),
];

function variantsOf(position: number): readonly Variant[] {
  if (ROOTLET_STAGES === 'all') return [...FULL_VARIANTS, ...OTHERS];
  return [
    ...FULL_VARIANTS,
    ...OTHERS.filter((_, at) => (at + position) % Math.ceil(OTHERS.length / 2) === 0),
  ];
}

describe('compiled objects', () => {
  const tallies = new Tallies();
  // numbers of types and addresses are what these return
  const subjects = [...COMPILED, ...linkedCases()]
    .filter(({ name }) => !SHOWS_PLACES.test(name))
    .map(({ name, object }, position) => ({ name, object, variants: variantsOf(position) }));

  test.each(subjects)('$name', ({ name, object, variants }) => {
    const before = beforeOf(object, SEED, stepsFor(packetPrograms(object)), sys);
    for (const variant of variants) {
      const outcome = attempt(before, variant, sys);
      expect(wrongWith(outcome, variant), labelOf(variant)).toBeUndefined();
      if (typeof outcome !== 'string') tallies.add(name, variant, outcome);
    }
  });

  afterAll(() => tallies.show('objects'));
});
