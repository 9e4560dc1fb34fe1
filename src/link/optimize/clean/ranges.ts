/**
 * Tests of one register for neighbouring numbers that lead to one place become one comparison: a chain that goes on
 * after the verdicts 0, 1, 2 and 3 needs `> 3` only.
 *
 * Less to run, and less to verify: each test is a way of its own to the code after it. Last of all passes over
 * branches, since threading decides single equalities.
 */

import { elementAt } from '../../../bytes/index.ts';
import {
  BPF_AND,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JMP32,
  BPF_JNE,
  BPF_X,
  isAlu,
  operationOf,
} from '../../../isa/index.ts';
import { intAt } from '../analysis/index.ts';
import {
  type Block,
  type BlockIndex,
  type Graph,
  type Ins,
  isCopy,
  type Register,
  writtenRegister,
} from '../ir/index.ts';
import { countEntries } from './simplify.ts';

/** The end of a block: whether a register is equal to a number. */
interface Test {
  readonly ins: Ins;
  /** Where equality leads. */
  readonly hit: BlockIndex;
  readonly miss: BlockIndex;
}

/** Tests that follow each other, and lead to one place. */
interface Series {
  readonly tests: readonly Test[];
  /** Blocks of the tests after the first one. */
  readonly rest: readonly BlockIndex[];
}

/** A range that starts above 0 takes two comparisons. */
const LEAST_INSIDE = 3;
const LEAST_FROM_ZERO = 2;

/** Compares ranges where numbers were compared. */
export function mergeRanges(graph: Graph): void {
  const order = graph.order();
  const entries = countEntries(graph, order);
  const isDone = new Uint8Array(graph.blocks.length);
  for (const index of order) {
    if (isDone[index] === 1) continue;
    const series = seriesFrom(graph, index, entries);
    if (series === undefined) continue;
    for (const block of series.rest) isDone[block] = 1;
    compareRange(graph, index, series);
  }
}

function testOf(graph: Graph, index: BlockIndex): Test | undefined {
  const { terminator } = graph.block(index);
  if (terminator.kind !== 'branch') return undefined;
  const { ins, taken, next } = terminator;
  const operation = operationOf(ins.opcode);
  const hasNumber = (ins.opcode & BPF_X) === 0 && ins.core === null && ins.imm >= 0;
  if (!hasNumber || (operation !== BPF_JEQ && operation !== BPF_JNE)) return undefined;
  return operation === BPF_JEQ ? { ins, hit: taken, miss: next } : { ins, hit: next, miss: taken };
}

function seriesFrom(graph: Graph, start: BlockIndex, entries: Int32Array): Series | undefined {
  const first = testOf(graph, start);
  if (first === undefined) return undefined;
  const tests = [first];
  const rest: BlockIndex[] = [];
  for (let { miss } = first; miss !== start && intAt(entries, miss) === 1; ) {
    const test = graph.block(miss).ins.length === 0 ? testOf(graph, miss) : undefined;
    if (test === undefined || test.hit !== first.hit || !isOfOne(test.ins, first.ins)) break;
    tests.push(test);
    rest.push(miss);
    ({ miss } = test);
  }
  return { tests, rest };
}

/** Whether the same bits of one register are compared. */
function isOfOne(a: Ins, b: Ins): boolean {
  return a.dst === b.dst && (a.opcode & 7) === (b.opcode & 7);
}

function compareRange(graph: Graph, index: BlockIndex, { tests, rest }: Series): void {
  const numbers = new Set(tests.map(({ ins }) => ins.imm));
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  const { ins, hit } = elementAt(tests, 0);
  const { miss } = elementAt(tests, tests.length - 1);
  if (high - low + 1 !== numbers.size || numbers.size < (low === 0 ? LEAST_FROM_ZERO : LEAST_INSIDE)) return;
  // comparing all 64 bits with 0 is how a verifier learns that a pointer is not null
  if (low === 0 && (ins.opcode & 7) !== BPF_JMP32) return;
  const block = graph.block(index);
  const above = { kind: 'branch', ins: comparison(ins, BPF_JGT, high), taken: miss, next: hit } as const;
  if (low === 0) {
    block.terminator = above;
    return;
  }
  let inside = hit;
  if (high < largest(block, ins.dst)) {
    inside = elementAt(rest, 0);
    graph.block(inside).terminator = above;
  }
  block.terminator = { kind: 'branch', ins: comparison(ins, BPF_JGE, low), taken: inside, next: miss };
}

/**
 * The largest number that a register may have at the end of a block. A comparison whose outcome a verifier can
 * tell makes it follow all of what the number was computed from.
 */
function largest({ ins }: Block, register: Register): number {
  let from = register;
  for (let at = ins.length - 1; at >= 0; at--) {
    const each = elementAt(ins, at);
    if (writtenRegister(each) !== from) continue;
    if (!isCopy(each)) return largestResult(each);
    from = each.src;
  }
  return Number.POSITIVE_INFINITY;
}

function largestResult({ opcode, imm, core }: Ins): number {
  const isMask = isAlu(opcode) && operationOf(opcode) === BPF_AND && (opcode & BPF_X) === 0 && core === null;
  return isMask && imm >= 0 ? imm : Number.POSITIVE_INFINITY;
}

function comparison(ins: Ins, operation: number, imm: number): Ins {
  return { ...ins, opcode: (ins.opcode & 0x0f) | operation, imm };
}
