/** Every case of `test/cases`, in both byte orders: the result of linking, its contents, its behavior. */

import { describe, expect, test } from 'vitest';
import { link } from '../../../src/link/link.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { type CaseOnDisk, follow, ORDERS, type Order, readCases } from '../../support/case-files.ts';
import type { Block, Recipe } from '../../support/directives.ts';
import { checkObject, checkProblems, expectedRuns, textsOf } from '../../support/expectations.ts';
import { checkWritten } from '../../support/written-object.ts';

for (const one of readCases()) {
  describe(`${one.name}: ${one.title}`, () => {
    for (const order of ORDERS)
      for (const block of one.blocks)
        for (const recipe of block.recipes)
          test(`${order}: ${recipe.kind} ${recipe.text}`, () => checkRecipe(one, order, block, recipe));
  });
}

function checkRecipe(one: CaseOnDisk, order: Order, block: Block, recipe: Recipe): void {
  const outcome = follow(recipe, one.name, order);
  if (textsOf(block.expectations, 'ERROR').length > 0) {
    expect(outcome.ok, 'it must not link').toBe(false);
    checkProblems(outcome.ok ? [] : outcome.problems, block.expectations);
    return;
  }
  checkProblems(outcome.ok ? [] : outcome.problems, []);
  if (!outcome.ok) return;
  checkObject(outcome.object, block.expectations);
  const bytes = writeObject(outcome.object);
  const read = checkWritten(bytes);
  for (const { program, value } of expectedRuns(block.expectations))
    expect(runInMachine(read, program), `what ${program} returns`).toBe(value);
  const again = link([{ name: 'again.o', bytes }], { partial: true });
  checkProblems(again.ok ? [] : again.problems, []);
  if (again.ok)
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
