/**
 * Removes what has no effect and no use.
 *
 * A node is needed if it has an effect, or writes a register that a needed node reads. That starts from nothing and
 * adds what is needed, so a counter that only counts itself in a loop is removed, too. Registers of the machine are
 * read by calls and `exit` and count as needed. Loads have no effect (one that the verifier accepts does not fault),
 * stores, atomic operations and calls always have one.
 */

import { elementAt } from '../../../bytes/index.ts';
import { hasNoEffect } from '../../../isa/index.ts';
import { intAt, MAX_READS, readRegisters } from '../analysis/index.ts';
import type { BlockIndex, Graph } from '../ir/index.ts';
import {
  FIRST_VIRTUAL,
  type Ins,
  isCopy,
  OP_FRAME_ADDRESS,
  type Register,
  writtenRegister,
} from '../ir/index.ts';

/** Removes nodes without effect and use; how many. */
export function removeDeadCode(graph: Graph, order: readonly BlockIndex[]): number {
  const need = new Need(graph.registers);
  for (const index of order) {
    const { ins, terminator } = graph.block(index);
    for (const each of ins) need.visit(each);
    if (terminator.kind === 'branch') need.require(terminator.ins);
  }
  need.spread();
  return sweep(graph, order, need);
}

function sweep(graph: Graph, order: readonly BlockIndex[], need: Need): number {
  let removed = 0;
  for (const index of order) {
    const { ins } = graph.block(index);
    let kept = 0;
    for (const each of ins) if (need.isKept(each)) ins[kept++] = each;
    removed += ins.length - kept;
    ins.length = kept;
  }
  return removed;
}

/** Whether a node only writes a virtual register. */
function isPure(ins: Ins): boolean {
  return (ins.opcode === OP_FRAME_ADDRESS || hasNoEffect(ins)) && writtenRegister(ins) >= FIRST_VIRTUAL;
}

/** Which virtual registers are needed. */
class Need {
  readonly #isNeeded: Uint8Array;
  readonly #pending: Register[] = [];
  /** Pure nodes by the register that they write. */
  readonly #definitions: (Ins[] | undefined)[] = [];
  readonly #reads = new Int32Array(MAX_READS);

  constructor(registers: number) {
    this.#isNeeded = new Uint8Array(registers);
  }

  /** Notes what the node writes, or requires what it reads. */
  visit(ins: Ins): void {
    if (isPure(ins)) this.#define(ins);
    else this.require(ins);
  }

  #define(ins: Ins): void {
    const definitions = this.#definitions[ins.dst];
    if (definitions === undefined) this.#definitions[ins.dst] = [ins];
    else definitions.push(ins);
  }

  /** What the node reads is needed. */
  require(ins: Ins): void {
    const count = readRegisters(ins, this.#reads);
    for (let at = 0; at < count; at++) {
      const register = intAt(this.#reads, at);
      if (register < FIRST_VIRTUAL || this.#isNeeded[register] === 1) continue;
      this.#isNeeded[register] = 1;
      this.#pending.push(register);
    }
  }

  /** Requires what definitions of needed registers read. */
  spread(): void {
    while (this.#pending.length > 0) {
      const register = elementAt(this.#pending, this.#pending.length - 1);
      this.#pending.pop();
      for (const definition of this.#definitions[register] ?? NO_NODES) this.require(definition);
    }
  }

  isKept(ins: Ins): boolean {
    const written = writtenRegister(ins);
    if (written < FIRST_VIRTUAL || (this.#isNeeded[written] === 1 && !isSelfCopy(ins))) return true;
    return !isPure(ins);
  }
}

function isSelfCopy(ins: Ins): boolean {
  return ins.dst === ins.src && isCopy(ins);
}

const NO_NODES: readonly Ins[] = [];
