/** Random programs do the same before and after each pass, and after all of them. */

import { describe, expect, test } from 'vitest';
import { type Outcome, run } from '../analysis/testing.ts';
import { clean } from '../clean/clean.ts';
import { simplify } from '../clean/simplify.ts';
import { mergeTails } from '../clean/tails.ts';
import type { Graph } from '../ir/graph.ts';
import { FIRST_VIRTUAL } from '../ir/ins.ts';
import { textOf } from '../testing.ts';
import { colour } from './colour.ts';
import { MEMORY_SIZE, randomGraph, randomNumbers } from './testing.ts';
import { splitWebs } from './webs.ts';

const SEEDS = 25;

function memoryOf(seed: number): Uint8Array {
  const random = randomNumbers(seed + 7);
  return Uint8Array.from({ length: MEMORY_SIZE }, () => random(256));
}

function seen({ result, memory, calls }: Outcome): unknown {
  return { result, memory, calls };
}

const PASSES: readonly (readonly [name: string, pass: (graph: Graph) => void])[] = [
  ['webs', splitWebs],
  [
    'webs, clean',
    graph => {
      splitWebs(graph);
      clean(graph);
    },
  ],
  ['clean', clean],
  ['simplify', simplify],
  ['tails', mergeTails],
  ['colour', graph => colour(graph, { coalesce: true })],
  ['colour without coalescing', graph => colour(graph, { coalesce: false })],
  [
    'all',
    graph => {
      splitWebs(graph);
      clean(graph);
      simplify(graph);
      mergeTails(graph);
      splitWebs(graph);
      clean(graph);
      colour(graph, { coalesce: true });
      simplify(graph);
      mergeTails(graph);
    },
  ],
];

describe.each([4, 12, 25])('%i variables', variables => {
  test.each(PASSES)('%s', (name, pass) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const before = run(randomGraph(seed, variables), memoryOf(seed));
      const graph = randomGraph(seed, variables);
      pass(graph);
      if (/colour|all/.test(name)) expect(graph.registers).toBe(FIRST_VIRTUAL);
      expect(seen(run(graph, memoryOf(seed))), `seed ${seed}\n${textOf(graph)}`).toEqual(seen(before));
    }
  });
});
