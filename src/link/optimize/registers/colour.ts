/**
 * Register allocation by graph colouring: virtual registers become registers of the machine.
 *
 * Copies to and from r0 to r5 around calls are in the graph, and calls write r1 to r5: a value that is needed after
 * a call gets one of r6 to r9 without rules of its own. Rounds: interference, coalescing, colours; what finds no
 * colour is spilled and the next round starts.
 */

import { intAt, livenessOf } from '../analysis/index.ts';
import type { BlockIndex, Graph } from '../ir/index.ts';
import { FIRST_VIRTUAL, FRAME_POINTER, type Ins, isCopy, type Register } from '../ir/index.ts';
import { Refusal } from '../model/index.ts';
import { coalesce, Merged } from './coalesce.ts';
import { interferenceOf } from './interference.ts';
import { renamed } from './rename.ts';
import { selectColours } from './select.ts';
import { spill } from './spill.ts';
import { spillCosts } from './spill-cost.ts';

/** Rounds after which colouring gives up; what is spilled gets short ranges, so a few are enough. */
const ROUNDS = 30;

export interface ColourOptions {
  /** Registers that are copies of each other become one. */
  readonly coalesce: boolean;
}

/** What colouring did. */
export interface Coloured {
  /** Registers that are kept on the stack. */
  readonly spilled: number;
}

/**
 * Replaces virtual registers by those of the machine. `graph.frame` grows by the slots of spilled ones. Throws
 * `Refusal` where these do not fit on the stack.
 */
export function colour(graph: Graph, options: ColourOptions): Coloured {
  let spilled = 0;
  const firstFixed: Register = graph.registers;
  for (let round = 0; round < ROUNDS; round++) {
    const liveness = livenessOf(graph);
    const interference = interferenceOf(graph, liveness);
    const merged = options.coalesce ? coalesce(interference) : new Merged(interference.size);
    const costs = (): Int32Array => spillCosts(graph, liveness.order, merged);
    const colouring = selectColours(interference, merged, costs, firstFixed);
    if (colouring.spilled.length === 0) {
      assign(graph, liveness.order, merged, colouring.colours);
      return { spilled };
    }
    if (colouring.spilled.some(register => register >= firstFixed)) break;
    spilled += spill(graph, liveness.order, merged, colouring.spilled);
  }
  throw new Refusal('its values do not fit into the registers');
}

/**
 * Puts colours in the place of registers, and removes copies that this makes useless. Blocks that nothing reaches are
 * left alone: their registers have numbers of an earlier pass.
 */
function assign(graph: Graph, order: readonly BlockIndex[], merged: Merged, colours: Int32Array): void {
  const map = (register: Register): Register =>
    register < FIRST_VIRTUAL ? register : intAt(colours, merged.find(register));
  const isNeeded = (ins: Ins): boolean => !isCopy(ins) || ins.dst !== ins.src || ins.src === FRAME_POINTER;
  for (const index of order) {
    const block = graph.block(index);
    block.ins = block.ins.map(ins => renamed(ins, map)).filter(isNeeded);
    const { terminator } = block;
    if (terminator.kind === 'branch') block.terminator = { ...terminator, ins: renamed(terminator.ins, map) };
  }
  graph.registers = FIRST_VIRTUAL;
}
