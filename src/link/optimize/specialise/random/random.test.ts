/** Random programs do the same before and after, and are as acceptable to a verifier. */

import { describe, expect, test } from 'vitest';
import { clean } from '../../clean/clean.ts';
import { simplify } from '../../clean/simplify.ts';
import type { Graph } from '../../ir/graph.ts';
import { ALL_PASSES, NO_PASSES, type Passes } from '../../model/passes.ts';
import { splitWebs } from '../../registers/webs.ts';
import { textOf } from '../../testing.ts';
import type { ContextKind } from '../fields.ts';
import { specialise } from '../specialise.ts';
import { type Outcome, run } from '../testing.ts';
import { randomInput, randomProgram } from './testing.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 40);
const INPUTS = 12;

const STAGES: readonly (readonly [string, Passes])[] = [
  ['constants', { ...NO_PASSES, constants: true }],
  ['context', { ...NO_PASSES, context: true }],
  ['bounds', { ...NO_PASSES, bounds: true }],
  ['facts', { ...NO_PASSES, facts: true }],
  ['packet', { ...NO_PASSES, packet: true }],
  ['bounds and packet', { ...NO_PASSES, context: true, bounds: true, packet: true }],
  ['all', ALL_PASSES],
];

function seen({ result, packet, map, calls }: Outcome): unknown {
  return { result, packet, map, calls };
}

function expectSame(seed: number, context: ContextKind, change: (graph: Graph) => void): void {
  const graph = randomProgram(seed, context);
  change(graph);
  for (let i = 0; i < INPUTS; i++) {
    const input = randomInput(seed * INPUTS + i, context);
    const before = run(randomProgram(seed, context), input);
    let after: unknown;
    try {
      after = seen(run(graph, input));
    } catch (error) {
      after = String(error);
    }
    if (JSON.stringify(after, text) === JSON.stringify(seen(before), text)) continue;
    const programs = `${textOf(randomProgram(seed, context))}\n---\n${textOf(graph)}`;
    expect.fail(`${context} program ${seed}, input ${i}: ${JSON.stringify(after, text)}\n${programs}`);
  }
}

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

describe.each(['xdp', 'skb'] as const)('%s', context => {
  test.each(STAGES)('%s', (_, passes) => {
    for (let seed = 0; seed < SEEDS; seed++)
      expectSame(seed, context, graph => {
        specialise(graph, { context, passes, growth: 1000 });
      });
  });

  test('with webs and clean-up before and after', () => {
    for (let seed = 0; seed < SEEDS; seed++)
      expectSame(seed, context, graph => {
        splitWebs(graph);
        clean(graph);
        simplify(graph);
        specialise(graph, { context, passes: ALL_PASSES, growth: 1000 });
        splitWebs(graph);
        clean(graph);
        simplify(graph);
      });
  });
});
