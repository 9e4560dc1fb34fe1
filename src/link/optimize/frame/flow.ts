/**
 * A forward data flow over the code of one function: the states of `state.ts` at the start of each block, until
 * they do not change.
 */

import { elementAt } from '../../../bytes/index.ts';
import {
  blockStarts,
  type CodeView,
  type Insn,
  isBranch,
  isJump,
  isMove,
  jumpTarget,
  OP_EXIT,
  OP_GOTOX,
  OP_JA,
  OP_JA32,
  readsSrc,
} from '../../../isa/index.ts';
import { Refusal } from '../model/index.ts';
import { narrowed } from './compare.ts';
import { exactly, type Range } from './number.ts';
import { FrameState, type Widening } from './state.ts';
import { type FrameCode, FrameStep } from './step.ts';
import { UseRecorder } from './use.ts';

/** Times that a block is visited before its ranges are widened. */
const VISITS = 4;

/** Follows the code, blocks in its order; what it uses. Throws `Refusal` where the code is not one that can be followed. */
export function followFrame(unit: FrameCode): UseRecorder {
  const flow = new Flow(unit);
  flow.run();
  return flow.uses;
}

class Flow {
  readonly uses = new UseRecorder();
  readonly #unit: FrameCode;
  readonly #step: FrameStep;
  readonly #starts: Uint8Array;
  readonly #insns = new Map<number, Insn>();
  readonly #states = new Map<number, FrameState>();
  readonly #visits: Uint8Array;
  /** For each slot, 1 where the block that starts there is to be followed. */
  readonly #waiting: Uint8Array;
  /** No block before it is waiting. */
  #next = 0;
  #widening: Widening | null = null;

  constructor(unit: FrameCode) {
    this.#unit = unit;
    this.#step = new FrameStep(unit, this.uses);
    this.#starts = blockStarts(unit.code);
    this.#visits = new Uint8Array(unit.code.length);
    this.#waiting = new Uint8Array(unit.code.length);
  }

  run(): void {
    const { length } = this.#unit.code;
    this.#reach(0, FrameState.atEntry());
    for (this.#next = 0; this.#next < length; ) {
      const start = this.#next++;
      if (this.#waiting[start] !== 1) continue;
      this.#waiting[start] = 0;
      this.#followBlock(start);
    }
  }

  #followBlock(start: number): void {
    const { code } = this.#unit;
    const state = this.#states.get(start)?.copy() ?? FrameState.atEntry();
    for (let at = start; at < code.length; at += code.width(at)) {
      if (at !== start && this.#starts[at] === 1) {
        this.#reach(at, state);
        return;
      }
      const insn = this.#insnAt(at);
      if (isJump(insn.opcode)) {
        this.#leave(insn, at, state);
        return;
      }
      this.#step.apply(insn, at, state);
    }
  }

  #insnAt(at: number): Insn {
    const known = this.#insns.get(at);
    if (known !== undefined) return known;
    const insn = this.#unit.code.at(at);
    this.#insns.set(at, insn);
    return insn;
  }

  #leave(insn: Insn, at: number, state: FrameState): void {
    const { opcode } = insn;
    if (opcode === OP_EXIT) return;
    if (opcode === OP_GOTOX) throw new Refusal(`instruction ${at} jumps through a table`);
    const target = jumpTarget(this.#unit.code, at);
    if (isBranch(opcode)) {
      this.#reach(at + 1, narrowedState(insn, state, false));
      this.#reach(target, narrowedState(insn, state, true));
      return;
    }
    if (opcode !== OP_JA && opcode !== OP_JA32) this.#reach(at + 1, state.copy());
    this.#reach(target, state);
  }

  /** `state` belongs to the block from now on. */
  #reach(at: number, state: FrameState): void {
    if (at < 0 || at >= this.#unit.code.length) return;
    const known = this.#states.get(at);
    const visits = elementAt(this.#visits, at);
    if (known === undefined) this.#states.set(at, state);
    else if (!known.join(state, visits < VISITS ? null : this.#ends())) return;
    else this.#visits[at] = Math.min(visits + 1, VISITS);
    this.#waiting[at] = 1;
    this.#next = Math.min(this.#next, at);
  }

  /** Ends of ranges that the code's own comparisons and moves name. */
  #ends(): Widening {
    this.#widening ??= wideningOf(this.#unit.code);
    return this.#widening;
  }
}

/** The state on one edge of a comparison. */
function narrowedState(insn: Insn, before: FrameState, taken: boolean): FrameState {
  const state = before.copy();
  const { opcode, dst, src, imm } = insn;
  const other: Range = readsSrc(insn) ? before.number(src) : exactly(imm);
  const isNumber = !readsSrc(insn) || !before.isAddress(src);
  if (isNumber && other.min === other.max) {
    state.narrow(dst, narrowed(opcode, before.number(dst), other.min, taken));
  }
  return state;
}

function wideningOf(code: CodeView): Widening {
  const ends = new Set([0]);
  for (let at = 0; at < code.length; at += code.width(at)) {
    const opcode = code.opcode(at);
    if (!isBranch(opcode) && !isMove(opcode)) continue;
    const imm = code.imm(at);
    for (const end of [imm - 1, imm, imm + 1]) ends.add(end);
  }
  const sorted = [...ends].sort((a, b) => a - b);
  return {
    above: max => sorted.find(end => end >= max) ?? Number.POSITIVE_INFINITY,
    below: min => sorted.findLast(end => end <= min) ?? Number.NEGATIVE_INFINITY,
  };
}
