/** Random programs do the same before and after each pass, and after all of them. */

import { describe, expect, test } from 'vitest';
import { EXIT } from '../../../isa/assemble.ts';
import { BPF_LDX, BPF_MEM, BPF_W } from '../../../isa/opcodes.ts';
import { createMachine } from '../../../vm/run/machine.ts';
import { testObject } from '../../../vm/testing.ts';
import { type Outcome, run } from '../analysis/testing.ts';
import { clean } from '../clean/clean.ts';
import { simplify } from '../clean/simplify.ts';
import { mergeTails } from '../clean/tails.ts';
import { lower } from '../inline/lower.ts';
import type { Graph } from '../ir/graph.ts';
import { FIRST_VIRTUAL, type Ins, isCopy } from '../ir/ins.ts';
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

function allPasses(graph: Graph): void {
  splitWebs(graph);
  clean(graph);
  simplify(graph);
  mergeTails(graph);
  splitWebs(graph);
  clean(graph);
  colour(graph, { coalesce: true });
  simplify(graph);
  mergeTails(graph);
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
  ['all', allPasses],
];

/** The verdict and packet after a run in the embedded machine; the program finds its memory in the packet. */
function runInMachine(graph: Graph, packet: Uint8Array): unknown {
  const { code } = lower(graph, 'little', false);
  const object = testObject([{ name: 'main', insns: [EXIT] }]);
  const symbols = object.symbols.map(symbol => ({ ...symbol, code }));
  const { verdict, packet: after } = createMachine({ ...object, symbols }).run(packet);
  return { verdict, after };
}

test.each([4, 12, 25])('the embedded machine runs the code of graphs of %i variables', variables => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const { result, memory } = run(randomGraph(seed, variables, false), memoryOf(seed));
    const graph = randomGraph(seed, variables, false);
    const entry = graph.block(0);
    // r1 is the context; its first field is where the packet begins.
    entry.ins = entry.ins.map(ins => (ins.src === 1 && isCopy(ins) ? packetStart(ins) : ins));
    allPasses(graph);
    const expected = { verdict: Number(BigInt.asUintN(32, result)), after: memory };
    expect(runInMachine(graph, memoryOf(seed)), `seed ${seed}\n${textOf(graph)}`).toEqual(expected);
  }
});

function packetStart(ins: Ins): Ins {
  return { ...ins, opcode: BPF_LDX | BPF_MEM | BPF_W };
}

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
