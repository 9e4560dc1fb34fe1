/** What it costs to keep a register on the stack: its uses and definitions, more in loops. */

import { intAt, loopDepths, MAX_READS, readRegisters } from '../analysis/index.ts';
import type { BlockIndex, Graph } from '../ir/index.ts';
import { FIRST_VIRTUAL, type Ins, writtenRegister } from '../ir/index.ts';
import type { Merged } from './coalesce.ts';

/** How much more often than the code around it a loop is assumed to run. */
const LOOP_FACTOR = 8;
const DEEPEST = 5;

/** Costs by register after coalescing. Sums of accesses, each weighted by how often it is assumed to run. */
export function spillCosts(graph: Graph, order: readonly BlockIndex[], merged: Merged): Int32Array {
  const costs = new Int32Array(graph.registers);
  const reads = new Int32Array(MAX_READS);
  const depths = loopDepths(graph, order);
  order.forEach((index, place) => {
    const cost = LOOP_FACTOR ** Math.min(intAt(depths, place), DEEPEST);
    const { ins, terminator } = graph.block(index);
    for (const each of ins) addCost(each, cost, costs, merged, reads);
    if (terminator.kind === 'branch') addCost(terminator.ins, cost, costs, merged, reads);
  });
  return costs;
}

function addCost(ins: Ins, cost: number, costs: Int32Array, merged: Merged, reads: Int32Array): void {
  const count = readRegisters(ins, reads);
  for (let at = 0; at < count; at++) increase(costs, merged.find(intAt(reads, at)), cost);
  const written = writtenRegister(ins);
  if (written >= FIRST_VIRTUAL) increase(costs, merged.find(written), cost);
}

function increase(costs: Int32Array, register: number, cost: number): void {
  costs[register] = intAt(costs, register) + cost;
}
