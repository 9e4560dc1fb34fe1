/**
 * Webs: virtual registers are split so that each stands for the definitions that meet in a use, and nothing else.
 *
 * Inlined functions have one name for each of their registers, whatever it holds from one line to the next. Value
 * numbering could not distinguish the values that share a name by chance, and colouring would keep them in one
 * machine register.
 */

import { elementAt } from '../../../bytes/index.ts';
import { filled, intAt, type Liveness, livenessOf } from '../analysis/index.ts';
import type { BlockIndex, Graph } from '../ir/index.ts';
import {
  FIRST_VIRTUAL,
  type Ins,
  operandsOf,
  READS_DST,
  READS_SRC,
  type Register,
  writtenRegister,
} from '../ir/index.ts';
import { separateOperands } from './operands.ts';
import { withRegisters } from './rename.ts';
import { UnionFind } from './union-find.ts';

/** What splitting has found out, for the passes that follow. */
export interface Webs {
  /** Blocks that are reached, in reverse postorder. */
  readonly order: readonly BlockIndex[];
  /** Virtual registers that may be read before they are written. */
  readonly unwritten: readonly Register[];
}

/**
 * Splits virtual registers into webs and numbers them without gaps, in the order in which they appear. A field that
 * is read and written (arithmetic, the source of an atomic operation that fetches) has one name; arithmetic works on
 * a copy of its operand.
 */
export function splitWebs(graph: Graph): Webs {
  const liveness = livenessOf(graph);
  // Copies of registers to themselves change nothing of what is live.
  separateOperands(graph, liveness.order);
  const values = new Values(graph, liveness);
  for (const block of liveness.order) values.visit(block);
  const naming = new Naming(values);
  graph.registers = naming.rename(graph, liveness.order);
  return { order: liveness.order, unwritten: values.atEntry().map(value => naming.nameOf(value)) };
}

/** No register in this field. */
const NO_VALUE = -1;

/** The definitions of virtual registers, united where they meet. */
class Values {
  readonly united = new UnionFind();
  /** Values of the fields dst and src of all nodes in the order of the visit. */
  readonly fields: number[] = [];
  readonly #graph: Graph;
  /** The value that each register has at the place that is visited. */
  readonly #current: Int32Array;
  /** Virtual registers that are live where a block begins; their values there follow the first one. */
  readonly #live: (readonly Register[])[] = [];
  readonly #first: Int32Array;

  constructor(graph: Graph, liveness: Liveness) {
    this.#graph = graph;
    this.#current = filled(graph.registers, NO_VALUE);
    this.#first = filled(graph.blocks.length, NO_VALUE);
    for (const block of liveness.order) {
      const live = liveness.liveAtStart(block).filter(register => register >= FIRST_VIRTUAL);
      this.#live[block] = live;
      this.#first[block] = this.united.add(live.length);
    }
  }

  /** The values that registers have where the program starts. */
  atEntry(): number[] {
    return elementAt(this.#live, 0).map((_, at) => intAt(this.#first, 0) + at);
  }

  visit(index: BlockIndex): void {
    let value = intAt(this.#first, index);
    for (const register of elementAt(this.#live, index)) this.#current[register] = value++;
    const { ins, terminator } = this.#graph.block(index);
    for (const each of ins) this.#visitNode(each);
    if (terminator.kind === 'branch') this.#visitNode(terminator.ins);
    for (const successor of this.#graph.successors(index)) this.#meet(successor);
  }

  #visitNode(ins: Ins): void {
    const { dst, src } = ins;
    const operands = operandsOf(ins);
    const isSource = src >= FIRST_VIRTUAL && (operands & READS_SRC) !== 0;
    const source = isSource ? intAt(this.#current, src) : NO_VALUE;
    this.fields.push(dst >= FIRST_VIRTUAL ? this.#destination(ins, operands) : NO_VALUE, source);
  }

  #destination(ins: Ins, operands: number): number {
    if ((operands & READS_DST) !== 0) return intAt(this.#current, ins.dst);
    if (writtenRegister(ins) !== ins.dst) return NO_VALUE;
    const value = this.united.add(1);
    this.#current[ins.dst] = value;
    return value;
  }

  /** What registers have now is what they have at the beginning of a successor. */
  #meet(successor: BlockIndex): void {
    let value = intAt(this.#first, successor);
    for (const register of elementAt(this.#live, successor))
      this.united.unite(value++, intAt(this.#current, register));
  }
}

/** Gives each set of united values a register. */
class Naming {
  readonly #values: Values;
  readonly #names: Int32Array;
  #next: Register = FIRST_VIRTUAL;
  #at = 0;

  constructor(values: Values) {
    this.#values = values;
    this.#names = filled(values.united.size, NO_VALUE);
  }

  /** Renames all nodes, in the order of the visit; one above the last register. */
  rename(graph: Graph, order: readonly BlockIndex[]): Register {
    for (const index of order) {
      const block = graph.block(index);
      const { ins, terminator } = block;
      for (let at = 0; at < ins.length; at++) ins[at] = this.#renamed(elementAt(ins, at));
      if (terminator.kind === 'branch')
        block.terminator = { ...terminator, ins: this.#renamed(terminator.ins) };
    }
    return this.#next;
  }

  #renamed(ins: Ins): Ins {
    const dst = this.#field(ins.dst);
    return withRegisters(ins, dst, this.#field(ins.src));
  }

  #field(register: Register): Register {
    const value = elementAt(this.#values.fields, this.#at++);
    return value === NO_VALUE ? register : this.nameOf(value);
  }

  nameOf(value: number): Register {
    const root = this.#values.united.find(value);
    const name = intAt(this.#names, root);
    if (name !== NO_VALUE) return name;
    this.#names[root] = this.#next;
    return this.#next++;
  }
}
