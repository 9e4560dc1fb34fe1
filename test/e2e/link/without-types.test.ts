/**
 * Every case of `test/cases` with some of its files stripped of types: what links with types links without
 * them, to the same code that returns the same numbers. Which files are stripped is chosen by a seed.
 */

import { describe, expect, test } from 'vitest';
import { link } from '../../../src/link/link.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { type CaseOnDisk, follow, ORDERS, type Order, readCases } from '../../support/case-files.ts';
import type { Block, Recipe } from '../../support/directives.ts';
import { expectedRuns, textsOf } from '../../support/expectations.ts';
import { stripped } from '../../support/without-types.ts';
import { checkWritten } from '../../support/written-object.ts';

/** Draws for each recipe, beside the one that strips every file. */
const DRAWS = 3;

for (const one of readCases().filter(({ blocks }) => blocks.some(isGood))) {
  describe(one.name, () => {
    for (const order of ORDERS)
      for (const block of one.blocks.filter(isGood))
        for (const recipe of block.recipes)
          test(`${order}: ${recipe.kind} ${recipe.text}`, () => checkRecipe(one, order, block, recipe));
  });
}

function isGood({ expectations }: Block): boolean {
  return textsOf(expectations, 'ERROR').length === 0;
}

function checkRecipe(one: CaseOnDisk, order: Order, block: Block, recipe: Recipe): void {
  const whole = follow(recipe, one.name, order);
  if (!whole.ok) throw new Error('the case itself does not link');
  const next = random(`${one.name} ${order} ${recipe.text}`);
  for (let draw = 0; draw <= DRAWS; draw++) {
    const outcome = follow(recipe, one.name, order, file =>
      draw === 0 || next() < 0.5 ? stripped(file) : file,
    );
    const problems = outcome.ok ? [] : outcome.problems.map(({ message }) => message);
    expect(problems, `draw ${draw}`).toEqual([]);
    if (outcome.ok) checkObject(outcome.object, whole.object, block);
  }
}

function checkObject(object: BpfObject, whole: BpfObject, block: Block): void {
  expect(codeOf(object)).toEqual(codeOf(whole));
  const bytes = writeObject(object);
  const read = checkWritten(bytes);
  expect(read.btf === null).toBe(object.btf === null);
  for (const { program, value } of expectedRuns(block.expectations))
    expect(runInMachine(read, program), `what ${program} returns`).toBe(value);
  const again = link([{ name: 'again.o', bytes }], { partial: true });
  if (!again.ok) throw new Error(again.problems.map(({ message }) => message).join('\n'));
  expect(Buffer.from(writeObject(again.object)).equals(bytes), 'linking it again changes it').toBe(true);
}

/** With fresh maps, on a packet of zeros. */
function runInMachine(object: BpfObject, program: string): number {
  const machine = createMachine(object, { program });
  try {
    return machine.run(new Uint8Array(64)).verdict;
  } finally {
    machine.close();
  }
}

/** Instructions by function; types have no part in them. */
function codeOf(object: BpfObject): Record<string, string> {
  const read = readObject({ name: 'code.o', bytes: writeObject(object) });
  return Object.fromEntries(
    read.symbols.flatMap(symbol =>
      symbol.kind === 'function' ? [[symbol.name, Buffer.from(symbol.code).toString('hex')]] : [],
    ),
  );
}

/** Numbers from 0 to 1, the same for the same text. */
function random(seed: string): () => number {
  let state = [...seed].reduce(
    (sum, letter) => Math.imul(sum ^ letter.charCodeAt(0), 0x01000193),
    0x811c9dc5,
  );
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 0x1000000;
  };
}
