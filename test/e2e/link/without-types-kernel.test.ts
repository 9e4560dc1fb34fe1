/**
 * Cases of `test/cases` linked from files of which all, or every second one, are stripped of types: the kernel
 * gets the same programs (tags) as with types, from rootlet's loader and from libbpf's.
 */

import { expect, test } from 'vitest';
import type { Sys } from '../../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { executeLoad } from '../../../src/load/execute/execute.ts';
import { planLoad } from '../../../src/load/plan/object.ts';
import { preparedAlone } from '../../../src/load/plan/prepared.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { follow, readCases } from '../../support/case-files.ts';
import type { Recipe } from '../../support/directives.ts';
import { expectedRuns, textsOf } from '../../support/expectations.ts';
import { runWithLibbpf } from '../../support/libbpf.ts';
import { needs } from '../../support/needs.ts';
import { stripped } from '../../support/without-types.ts';

const PACKET = new Uint8Array(64);
const { sys } = kernelForTests();

/** The object of a recipe; `every`: 1 strips all files, 2 every second one, 0 none. */
function linked(recipe: Recipe, name: string, every: number): BpfObject {
  let position = 0;
  const outcome = follow(recipe, name, 'el', file =>
    every > 0 && position++ % every === 0 ? stripped(file) : file,
  );
  if (!outcome.ok) throw new Error(outcome.problems.map(({ message }) => message).join('\n'));
  return outcome.object;
}

const RUNNABLE = readCases().flatMap(one =>
  one.blocks
    .filter(({ expectations }) => textsOf(expectations, 'RUN').length > 0)
    .filter(({ expectations }) => textsOf(expectations, 'KERNEL-SKIP').length === 0)
    .flatMap(({ expectations, recipes: [recipe] }) =>
      recipe === undefined ? [] : [{ name: one.name, recipe, expectations }],
    ),
);

function kernelOrThrow(): Sys {
  if (sys === undefined) throw new Error('no kernel');
  return sys;
}

/** Tags of all programs by name. */
function tagsOf(object: BpfObject): Record<string, string> {
  const loaded = executeLoad(planLoad(preparedAlone(object)), kernelOrThrow());
  try {
    return Object.fromEntries([...loaded.programs].map(([name, program]) => [name, program.info().tag]));
  } finally {
    loaded.close();
  }
}

needs('bpf').describe('programs without types have the tags that they have with types', () => {
  for (const { name, recipe } of RUNNABLE)
    for (const every of [1, 2])
      test(`${name}: ${recipe.text}, stripped: ${every}`, () => {
        expect(tagsOf(linked(recipe, name, every))).toEqual(tagsOf(linked(recipe, name, 0)));
      });
});

needs('root', 'bpf', 'bpftool').describe('libbpf loads and runs what was linked without types', () => {
  for (const { name, recipe, expectations } of RUNNABLE) {
    if (textsOf(expectations, 'LIBBPF-SKIP').length > 0) continue;
    for (const every of [1, 2])
      test(`${name}: ${recipe.text}, stripped: ${every}`, () => {
        const runs = expectedRuns(expectations);
        const programs = runs.map(({ program }) => program);
        const found = runWithLibbpf(writeObject(linked(recipe, name, every)), programs, PACKET);
        expect(found).toEqual(runs.map(({ value }) => value));
      });
  }
});
