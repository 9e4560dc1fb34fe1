/**
 * The cases of `test/cases` that specify what their programs return, run by the kernel through rootlet's
 * loader and libbpf's.
 */

import { describe, expect, test } from 'vitest';
import type { Sys } from '../../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { executeLoad } from '../../../src/load/execute/execute.ts';
import { planLoad } from '../../../src/load/plan/object.ts';
import { preparedAlone } from '../../../src/load/plan/prepared.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { type CaseOnDisk, follow, readCases } from '../../support/case-files.ts';
import type { Block, Recipe } from '../../support/directives.ts';
import { expectedRuns, textsOf } from '../../support/expectations.ts';
import { runWithLibbpf } from '../../support/libbpf.ts';
import { needs } from '../../support/needs.ts';

const PACKET = new Uint8Array(64);
const { sys } = kernelForTests();

interface Runnable {
  readonly one: CaseOnDisk;
  readonly block: Block;
  readonly recipe: Recipe;
}

/** The first and the last recipe of each block that says what its programs return; all of them take too long. */
function runnable(without: readonly string[]): Runnable[] {
  return readCases().flatMap(one =>
    one.blocks
      .filter(block => textsOf(block.expectations, 'RUN').length > 0)
      .filter(block => without.every(word => textsOf(block.expectations, word).length === 0))
      .flatMap(block =>
        [...new Set([block.recipes[0], block.recipes.at(-1)])].flatMap(recipe =>
          recipe === undefined ? [] : [{ one, block, recipe }],
        ),
      ),
  );
}

function objectOf({ one, recipe }: Runnable): BpfObject {
  const outcome = follow(recipe, one.name, 'el');
  if (!outcome.ok) throw new Error(outcome.problems.map(problem => problem.message).join('\n'));
  return outcome.object;
}

function titleOf({ one, recipe }: Runnable): string {
  return `${one.name}: ${recipe.kind} ${recipe.text}`;
}

needs('bpf').describe('loaded by rootlet', () => {
  for (const entry of runnable(['KERNEL-SKIP']))
    test(titleOf(entry), () => {
      const object = objectOf(entry);
      for (const { program, value } of expectedRuns(entry.block.expectations))
        expect(runLoaded(object, program), program).toBe(value);
    });
});

function runLoaded(object: BpfObject, program: string): number {
  const loaded = executeLoad(planLoad(preparedAlone(object)), kernelOrThrow());
  try {
    return loaded.testRun(program, PACKET).verdict;
  } finally {
    loaded.close();
  }
}

function kernelOrThrow(): Sys {
  if (sys === undefined) throw new Error('no kernel');
  return sys;
}

needs('root', 'bpf', 'bpftool').describe('loaded by libbpf', () => {
  for (const entry of runnable(['KERNEL-SKIP', 'LIBBPF-SKIP']))
    test(titleOf(entry), () => {
      const runs = expectedRuns(entry.block.expectations);
      const programs = runs.map(run => run.program);
      const found = runWithLibbpf(writeObject(objectOf(entry)), programs, PACKET);
      expect(found).toEqual(runs.map(run => run.value));
    });
});

describe('the cases', () => {
  test('that can run are many', () => {
    expect(runnable([]).length).toBeGreaterThan(30);
  });
});
