/**
 * Specialisation: one forward walk over the graph with value numbers and what is known on each edge.
 *
 * In a block, what a register has already is copied instead of computed (`expressions.ts`), and a branch whose
 * outcome every path to it knows is decided. Edges that alone know more are threaded (`threading.ts`). Blocks are
 * visited in reverse postorder, so that all edges to a block are there before it; the header of a loop forgets
 * what changes in the loop.
 */

import { elementAt } from '../../../bytes/index.ts';
import { bugError } from '../../../diag/index.ts';
import type { Block, BlockIndex, Graph, Ins, Terminator } from '../ir/index.ts';
import type { Passes } from '../model/index.ts';
import { Branches } from './branches.ts';
import type { ContextKind } from './fields.ts';
import { join } from './join.ts';
import { type Loops, loopsOf } from './loops.ts';
import { Numbering } from './numbering.ts';
import { separateResults } from './separate.ts';
import type { State } from './state.ts';
import { costOf, type Path, Threading } from './threading.ts';
import { Values } from './values.ts';

export interface SpecialiseOptions {
  /** What the program gets in r1; null for contexts that are not understood. */
  readonly context: ContextKind | null;
  readonly passes: Passes;
  /** Instructions that copies of blocks may add in all, moves of registers and numbers not counted. */
  readonly growth: number;
}

export interface Specialised {
  /** Loads and operations that became copies of a register. */
  readonly shared: number;
  /** Branches that are decided where they are. */
  readonly decided: number;
  /** Edges that lead past branches. */
  readonly threaded: number;
}

type Slot = 'target' | 'taken' | 'next';

interface Edge {
  readonly from: BlockIndex;
  readonly slot: Slot;
}

/**
 * Shares values, decides branches and threads edges of a graph. A graph with loops that have several entries stays
 * as it is.
 */
export function specialise(graph: Graph, options: SpecialiseOptions): Specialised {
  const order = graph.order();
  const loops = loopsOf(graph, order);
  if (loops === undefined) return { shared: 0, decided: 0, threaded: 0 };
  const isRenamed = options.passes.packet && separateResults(graph, order);
  const renamed = isRenamed ? loopsOf(graph, order) : undefined;
  return new Specialiser(graph, renamed ?? loops, options).run(order);
}

class Specialiser {
  readonly #graph: Graph;
  readonly #loops: Loops;
  /** The blocks before any change. */
  readonly #source: readonly Block[];
  readonly #values = new Values();
  readonly #numbering: Numbering;
  readonly #branches: Branches;
  readonly #threading: Threading | null;
  readonly #states: State[][];
  readonly #isDone: Uint8Array;
  /** Edges that lead to each block before any change. */
  readonly #entries: number[];
  #growth: number;
  #shared = 0;
  #decided = 0;
  #threaded = 0;

  constructor(graph: Graph, loops: Loops, { context, passes, growth }: SpecialiseOptions) {
    this.#graph = graph;
    this.#loops = loops;
    this.#source = graph.blocks.map(({ ins, terminator }) => ({ ins, terminator }));
    this.#numbering = new Numbering(this.#values, context, passes);
    this.#branches = new Branches(this.#values, passes);
    const isThreaded = passes.constants || passes.bounds || passes.facts;
    this.#threading = isThreaded
      ? new Threading(this.#source, loops, { numbering: this.#numbering, branches: this.#branches })
      : null;
    this.#states = this.#source.map(() => []);
    this.#isDone = new Uint8Array(this.#source.length);
    this.#entries = this.#source.map(() => 0);
    this.#growth = growth;
  }

  run(order: readonly BlockIndex[]): Specialised {
    for (const block of order)
      for (const target of this.#graph.successors(block)) this.#entries[target] = this.#entriesOf(target) + 1;
    elementAt(this.#states, 0).push(this.#numbering.entryState(this.#graph.registers));
    for (const block of order) this.#visit(block);
    return { shared: this.#shared, decided: this.#decided, threaded: this.#threaded };
  }

  #entriesOf(block: BlockIndex): number {
    return elementAt(this.#entries, block);
  }

  #visit(block: BlockIndex): void {
    this.#isDone[block] = 1;
    const states = elementAt(this.#states, block);
    if (states.length === 0) return;
    const state = join(states, this.#values);
    this.#states[block] = [];
    const written = this.#loops.get(block);
    if (written !== undefined) state.enterLoop(written, this.#values);
    const { ins, terminator } = elementAt(this.#source, block);
    const out: Ins[] = [];
    this.#shared += this.#numbering.follow(state, ins, out);
    this.#graph.block(block).ins = out;
    this.#leave(state, block, terminator);
  }

  #leave(state: State, from: BlockIndex, terminator: Terminator): void {
    if (terminator.kind === 'exit') return;
    if (terminator.kind === 'jump') {
      this.#deliver(state, { from, slot: 'target' }, terminator.target);
      return;
    }
    const check = this.#branches.check(state, terminator.ins);
    const isTaken = check === undefined ? undefined : this.#branches.decide(state, check);
    if (isTaken !== undefined) {
      this.#decided++;
      const target = isTaken ? terminator.taken : terminator.next;
      this.#graph.block(from).terminator = { kind: 'jump', target };
      this.#deliver(state, { from, slot: 'target' }, target);
      return;
    }
    const ifTaken = state.copy();
    if (check !== undefined) {
      this.#branches.learn(ifTaken, check, true);
      this.#branches.learn(state, check, false);
    }
    this.#deliver(state, { from, slot: 'next' }, terminator.next);
    this.#deliver(ifTaken, { from, slot: 'taken' }, terminator.taken);
  }

  /** Takes the state of an edge to its target, or past it where the state decides what follows. */
  #deliver(state: State, edge: Edge, target: BlockIndex): void {
    const path = this.#pathFrom(state, target);
    if (path !== undefined) this.#thread(state, edge, path);
    this.#arrive(state, path === undefined ? target : path.target);
  }

  /** Leads an edge along a path, through one block with copies of all that is on it. */
  #thread(state: State, { from, slot }: Edge, { blocks, target }: Path): void {
    const out: Ins[] = [];
    for (const block of blocks)
      this.#shared += this.#numbering.follow(state, elementAt(this.#source, block).ins, out);
    this.#threaded++;
    this.#growth -= costOf(out);
    const first = out.length === 0 ? target : this.#graph.addBlock(out, { kind: 'jump', target });
    const source = this.#graph.block(from);
    source.terminator = redirected(source.terminator, slot, first);
  }

  /** A block with one entry is visited with the state of this edge: nothing is gained by a path through a copy. */
  #pathFrom(state: State, target: BlockIndex): Path | undefined {
    if (this.#threading === null || this.#entriesOf(target) < 2 || this.#loops.has(target)) return undefined;
    return this.#threading.find(state, target, this.#growth);
  }

  /** Edges back to the header of a loop bring nothing: it was visited without them. */
  #arrive(state: State, block: BlockIndex): void {
    if (this.#isDone[block] !== 1) elementAt(this.#states, block).push(state);
    else if (!this.#loops.has(block)) throw bugError([], `block ${block} was visited before an edge to it`);
  }
}

/** The terminator with another target of one of its edges. */
function redirected(terminator: Terminator, slot: Slot, target: BlockIndex): Terminator {
  if (terminator.kind === 'jump') return { kind: 'jump', target };
  return terminator.kind === 'branch' ? { ...terminator, [slot]: target } : terminator;
}
