/**
 * Spilling: registers that found no colour are kept on the stack, or made again before each use.
 *
 * A slot has 8 bytes and is written and read as a whole: the verifier keeps what it knows about a value, the range of
 * a packet pointer included, through such stores and loads only. Numbers, symbol addresses and frame addresses are
 * rematerialised instead: they need no slot.
 */

import { BPF_DW, BPF_LDX, BPF_MEM, BPF_STX } from '../../../isa/index.ts';
import type { BlockIndex, Graph } from '../ir/index.ts';
import {
  FIRST_VIRTUAL,
  FRAME_POINTER,
  type Ins,
  isCopy,
  move,
  type Register,
  readsDst,
  readsSrc,
  writtenRegister,
} from '../ir/index.ts';
import { Refusal } from '../model/index.ts';
import type { Merged } from './coalesce.ts';
import { rematerialisable } from './rematerialise.ts';
import { hasDst, withRegisters } from './rename.ts';

const MAX_STACK = 512;
const SLOT = 8;

/** Where the value of a spilled register is. */
type Home =
  | { readonly kind: 'slot'; readonly offset: number }
  | { readonly kind: 'again'; readonly ins: Ins };

/** Replaces spilled registers by short ones around each use; how many got slots. */
export function spill(
  graph: Graph,
  order: readonly BlockIndex[],
  merged: Merged,
  spilled: readonly Register[],
): number {
  const definitions = rematerialisable(graph, order, merged, spilled);
  const homes: (Home | undefined)[] = [];
  let slots = 0;
  for (const register of spilled) {
    const ins = definitions.get(register);
    if (ins === undefined) slots++;
    homes[register] = ins === undefined ? newSlot(graph) : { kind: 'again', ins };
  }
  const rewriting = new Rewriting(graph, merged, homes);
  for (const index of order) rewriting.block(index);
  return slots;
}

function newSlot(graph: Graph): Home {
  graph.frame += SLOT;
  if (graph.frame > MAX_STACK)
    throw new Refusal(`spilled registers need more than ${MAX_STACK} bytes of stack`);
  return { kind: 'slot', offset: -graph.frame };
}

class Rewriting {
  readonly #graph: Graph;
  readonly #merged: Merged;
  readonly #homes: readonly (Home | undefined)[];
  #out: Ins[] = [];

  constructor(graph: Graph, merged: Merged, homes: readonly (Home | undefined)[]) {
    this.#graph = graph;
    this.#merged = merged;
    this.#homes = homes;
  }

  block(index: BlockIndex): void {
    const block = this.#graph.block(index);
    this.#out = [];
    for (const ins of block.ins) this.#node(ins);
    const { terminator } = block;
    if (terminator.kind === 'branch')
      block.terminator = { ...terminator, ins: this.#operands(terminator.ins) };
    block.ins = this.#out;
  }

  #homeOf(register: Register): Home | undefined {
    return register < FIRST_VIRTUAL ? undefined : this.#homes[this.#merged.find(register)];
  }

  #node(ins: Ins): void {
    const written = writtenRegister(ins);
    const home = written < 0 ? undefined : this.#homeOf(written);
    const isInside = isCopy(ins) && this.#merged.find(ins.src) === this.#merged.find(ins.dst);
    if (home !== undefined && (isInside || home.kind === 'again')) return;
    const changed = this.#operands(ins);
    this.#out.push(changed);
    if (home?.kind === 'slot') this.#out.push(store(home.offset, writtenRegister(changed), ins.line));
  }

  /** The node with a new register in the place of each spilled one, after what loads those that it reads. */
  #operands(ins: Ins): Ins {
    const isShared = ins.src === ins.dst && hasDst(ins) && readsSrc(ins);
    const dst = hasDst(ins) ? this.#replacement(ins.dst) : ins.dst;
    const src = isShared ? dst : readsSrc(ins) ? this.#replacement(ins.src) : ins.src;
    if (dst !== ins.dst && (readsDst(ins) || isShared)) this.#load(ins.dst, dst, ins.line);
    if (src !== ins.src && !isShared) this.#load(ins.src, src, ins.line);
    return withRegisters(ins, dst, src);
  }

  #replacement(register: Register): Register {
    return this.#homeOf(register) === undefined ? register : this.#graph.addRegisters(1);
  }

  #load(register: Register, into: Register, line: Ins['line']): void {
    const home = this.#homeOf(register);
    if (home?.kind === 'slot') this.#out.push(load(into, home.offset, line));
    if (home?.kind === 'again') this.#out.push({ ...home.ins, dst: into, line });
  }
}

function load(dst: Register, offset: number, line: Ins['line']): Ins {
  return { ...move(dst, FRAME_POINTER, line), opcode: BPF_LDX | BPF_MEM | BPF_DW, offset };
}

function store(offset: number, src: Register, line: Ins['line']): Ins {
  return { ...move(FRAME_POINTER, src, line), opcode: BPF_STX | BPF_MEM | BPF_DW, offset };
}
