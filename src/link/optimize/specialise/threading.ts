/**
 * Jump threading: an edge whose state decides the branches after its target leads past them, through copies of the
 * blocks on the way.
 *
 * A path ends at the last branch that is decided and not a bounds check that passes: without the check nothing is
 * saved but the code after it would have a second entry, where the verifier knows another range. Paths never go
 * through the header of a loop.
 */

import { elementAt } from '../../../bytes/index.ts';
import { isMove } from '../../../isa/index.ts';
import { type Block, type BlockIndex, hasNoEffect, type Ins, type Terminator } from '../ir/index.ts';
import { type Branches, isPassing } from './branches.ts';
import type { Loops } from './loops.ts';
import type { Numbering } from './numbering.ts';
import type { State } from './state.ts';

/** Stores, calls and atomic operations that a path may copy. */
const MAX_EFFECTS = 6;
/** Instructions of a path. */
const MAX_LENGTH = 600;
/** Instructions of a path with all moves, as many as are looked at. */
const MAX_NODES = 4 * MAX_LENGTH;

/** What copies of blocks may still add to a program. */
export interface Room {
  /** Instructions other than moves of registers and numbers. */
  readonly growth: number;
  /** All: moves without limit would make a long program quadratic. */
  readonly nodes: number;
}

/** A way from the target of an edge past branches that it decides. */
export interface Path {
  readonly blocks: readonly BlockIndex[];
  readonly target: BlockIndex;
}

interface Decision {
  readonly target: BlockIndex;
  /** Whether a path may end after it. */
  readonly isGain: boolean;
}

export class Threading {
  readonly #source: readonly Block[];
  readonly #loops: Loops;
  readonly #numbering: Numbering;
  readonly #branches: Branches;

  constructor(
    source: readonly Block[],
    loops: Loops,
    { numbering, branches }: { readonly numbering: Numbering; readonly branches: Branches },
  ) {
    this.#source = source;
    this.#loops = loops;
    this.#numbering = numbering;
    this.#branches = branches;
  }

  /**
   * The longest path that an edge to `start` may take instead, for which there is room; undefined where nothing is
   * decided. The state does not change.
   */
  find(state: State, start: BlockIndex, room: Room): Path | undefined {
    return state.tentatively(() => this.#walk(state, start, room));
  }

  #walk(state: State, start: BlockIndex, { growth, nodes }: Room): Path | undefined {
    const blocks: BlockIndex[] = [];
    let best: { readonly count: number; readonly target: BlockIndex } | undefined;
    let room = Math.min(growth, MAX_LENGTH);
    let left = Math.min(nodes, MAX_NODES);
    let effects = MAX_EFFECTS;
    for (let block = start; !this.#loops.has(block); ) {
      const { ins, terminator } = elementAt(this.#source, block);
      effects -= countEffects(ins);
      const out: Ins[] = [];
      this.#numbering.follow(state, ins, out);
      room -= costOf(out);
      left -= ins.length;
      const isFull = effects < 0 || room < 0 || left < 0;
      const decision = isFull ? undefined : this.#decide(state, terminator);
      if (decision === undefined) break;
      blocks.push(block);
      block = decision.target;
      if (decision.isGain) best = { count: blocks.length, target: block };
    }
    return best === undefined ? undefined : { blocks: blocks.slice(0, best.count), target: best.target };
  }

  #decide(state: State, terminator: Terminator): Decision | undefined {
    if (terminator.kind === 'exit') return undefined;
    if (terminator.kind === 'jump') return { target: terminator.target, isGain: false };
    const check = this.#branches.check(state, terminator.ins);
    const isTaken = check === undefined ? undefined : this.#branches.decide(state, check);
    if (check === undefined || isTaken === undefined) return undefined;
    const target = isTaken ? terminator.taken : terminator.next;
    return { target, isGain: !isPassing(check, isTaken) };
  }
}

/** Instructions that copies of blocks add: most moves go away again, with copies and colouring. */
export function costOf(list: readonly Ins[]): number {
  let cost = 0;
  for (const { opcode } of list) if (!isMove(opcode)) cost++;
  return cost;
}

function countEffects(list: readonly Ins[]): number {
  let count = 0;
  for (const ins of list) if (!hasNoEffect(ins)) count++;
  return count;
}
