/** Objects that this project made, loaded into an older kernel: it answers as the embedded machine does. */

import { describe, expect, test } from 'vitest';
import { loadObject } from '../../src/load/load.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { createMachine } from '../../src/vm/run/machine.ts';
import { follow, readCases } from '../support/case-files.ts';
import { expectedRuns, textsOf } from '../support/expectations.ts';
import { kernelIs, sys } from './guest/kernel.ts';
import { capturedPackets, chainOf, example, exampleFile, relinkedExample } from './guest/objects.ts';

interface Answer {
  readonly verdict: number;
  readonly packet: string;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function inMachine(object: BpfObject, program: string): Answer[] {
  using machine = createMachine(object, { program });
  return capturedPackets().map(bytes => {
    const { verdict, packet } = machine.run(bytes);
    return { verdict, packet: hex(packet) };
  });
}

function inKernel(object: BpfObject, program: string): Answer[] {
  using loaded = loadObject(object, sys, { pinRoot: null });
  return capturedPackets().map(bytes => {
    const { verdict, packet } = loaded.testRun(program, bytes);
    return { verdict, packet: hex(packet) };
  });
}

const firewalls = ['first_firewall', 'second_firewall'] as const;

const OBJECTS: readonly (readonly [
  title: string,
  object: () => BpfObject,
  program: string,
  drops: boolean,
])[] = [
  ['first firewall', () => example('first_firewall'), 'xdp_prog1', true],
  ['second firewall', () => example('second_firewall'), 'xdp_prog2', true],
  ['rootlet with empty slots', () => example('rootlet'), 'rootlet', false],
  ['rootlet with both firewalls', relinkedExample, 'rootlet', true],
  [
    'chain of both firewalls',
    () => chainOf(firewalls.map(name => ({ component: exampleFile(name) }))),
    'chain',
    true,
  ],
  [
    'chain of 40 components',
    () =>
      chainOf(
        Array.from({ length: 40 }, (_, index) => ({
          component: exampleFile(firewalls[index % 2] ?? 'first_firewall'),
          instance: `n${index}`,
        })),
      ),
    'chain',
    true,
  ],
];

describe('verdicts and packets of the capture are those of the embedded machine', () => {
  test.each(OBJECTS)('%s', (_, make, program, drops) => {
    const object = make();
    const answers = inKernel(object, program);
    expect(answers).toEqual(inMachine(object, program));
    expect(answers.some(({ verdict }) => verdict === 2)).toBe(true);
    expect(answers.some(({ verdict }) => verdict === 1)).toBe(drops);
  });
});

/** Cases that say what their programs return, by their first recipe. */
const CASES = readCases()
  .filter(({ name }) => name !== 'cpu-v4' || kernelIs('6.6'))
  .flatMap(one => one.blocks.map(block => ({ name: one.name, block, recipe: block.recipes[0] })))
  .filter(({ block }) => textsOf(block.expectations, 'RUN').length > 0)
  .filter(({ block }) => textsOf(block.expectations, 'KERNEL-SKIP').length === 0)
  .flatMap(({ recipe, ...rest }) => (recipe === undefined ? [] : [{ ...rest, recipe }]));

describe('cases of linking return what they say', () => {
  test.each(
    CASES.map(
      ({ name, recipe, block }) =>
        [`${name}: ${recipe.kind} ${recipe.text}`, { name, recipe, block }] as const,
    ),
  )('%s', (_, { name, recipe, block }) => {
    const outcome = follow(recipe, name, 'el');
    if (!outcome.ok) throw new Error(outcome.problems.map(problem => problem.message).join('\n'));
    for (const { program, value } of expectedRuns(block.expectations)) {
      using loaded = loadObject(outcome.object, sys, { pinRoot: null }); // its globals as they were at first
      expect(loaded.testRun(program, new Uint8Array(64)).verdict, program).toBe(value);
    }
  });
});
