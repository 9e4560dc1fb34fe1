/**
 * What registers may hold, as far as it decides how far below the frame pointer a function reaches.
 *
 * A register may hold an address that was made from one of a few bases, at least so many bytes above or below it,
 * or a number of a range. Each base is a lane of doubles: the lowest distance from the base, infinite where no such
 * address is possible, minus infinite where the distance is not known. So the union of two states is the minimum
 * of each lane, and a state is one typed array.
 */

import { elementAt } from '../../../bytes/index.ts';
import type { Range } from './number.ts';

/** What an address may be made from: 0 is the frame pointer, 1 to 5 are the parameters r1 to r5. */
export type Base = number;
export const FRAME: Base = 0;
/** Read from memory: an address of this or of another frame, if one was stored. */
export const LOADED: Base = 6;
export const BASES = 7;

const MIN = BASES;
const MAX = BASES + 1;
const LANES = BASES + 2;
/** All that an instruction can name. */
const REGISTERS = 16;
const FRAME_POINTER = 10;
/** No frame is larger: an address below this is as good as one that is not known. */
const LARGEST_FRAME = 512;

const { NEGATIVE_INFINITY, POSITIVE_INFINITY } = Number;
/** No address made from the base. */
export const NOWHERE = POSITIVE_INFINITY;
/** Any distance from the base. */
export const ANYWHERE = NEGATIVE_INFINITY;

/** The registers at one place of the code. */
export class FrameState {
  readonly #lanes: Float64Array;

  private constructor(lanes: Float64Array) {
    this.#lanes = lanes;
  }

  /** At the entry of a function: parameters are addresses or any numbers, other registers hold nothing. */
  static atEntry(): FrameState {
    const lanes = new Float64Array(REGISTERS * LANES).fill(POSITIVE_INFINITY);
    for (let register = 0; register < REGISTERS; register++)
      lanes[register * LANES + MAX] = NEGATIVE_INFINITY;
    const state = new FrameState(lanes);
    for (let register = 1; register <= 5; register++) {
      state.setNumber(register, { min: NEGATIVE_INFINITY, max: POSITIVE_INFINITY });
      state.setLow(register, register, 0);
    }
    state.setLow(FRAME_POINTER, FRAME, 0);
    return state;
  }

  copy(): FrameState {
    return new FrameState(this.#lanes.slice());
  }

  /** Lowest distance from the base; `NOWHERE` where the register holds no address made from it. */
  low(register: number, base: Base): number {
    return elementAt(this.#lanes, register * LANES + base);
  }

  setLow(register: number, base: Base, low: number): void {
    this.#lanes[register * LANES + base] = low < -LARGEST_FRAME ? ANYWHERE : low;
  }

  /** Whether the register may hold an address of the frame, a parameter's, or one that was read. */
  isAddress(register: number): boolean {
    for (let base = 0; base < BASES; base++) if (this.low(register, base) !== NOWHERE) return true;
    return false;
  }

  number(register: number): Range {
    const at = register * LANES;
    return { min: elementAt(this.#lanes, at + MIN), max: elementAt(this.#lanes, at + MAX) };
  }

  /** The numbers that it may hold; addresses stay possible. */
  narrow(register: number, { min, max }: Range): void {
    this.#lanes[register * LANES + MIN] = min;
    this.#lanes[register * LANES + MAX] = max;
  }

  /** From here on the register holds one of these numbers and no address. */
  setNumber(register: number, range: Range): void {
    this.#lanes.fill(POSITIVE_INFINITY, register * LANES, register * LANES + BASES);
    this.narrow(register, range);
  }

  copyRegister(from: number, to: number): void {
    this.#lanes.copyWithin(to * LANES, from * LANES, (from + 1) * LANES);
  }

  /** Adds what `other` may hold; whether that is more. `widen` gives the end to jump to in place of a new one. */
  join(other: FrameState, widen: Widening | null): boolean {
    const lanes = this.#lanes;
    let changed = false;
    for (let at = 0; at < lanes.length; at++) {
      const known = elementAt(lanes, at);
      const added = elementAt(other.#lanes, at);
      const isMax = at % LANES === MAX;
      if (isMax ? added <= known : added >= known) continue;
      lanes[at] = widen === null ? added : this.#widened(at % LANES, added, known, widen);
      changed = true;
    }
    return changed;
  }

  /** What was possible at all is widened; what is new is taken as it is. */
  #widened(lane: number, added: number, known: number, widen: Widening): number {
    if (lane === MAX) return known === NEGATIVE_INFINITY ? added : widen.above(added);
    if (known === POSITIVE_INFINITY) return added;
    return lane === MIN ? widen.below(added) : ANYWHERE;
  }
}

/** Ends of ranges that loops are tried with before an end is given up. */
export interface Widening {
  /** An end that is not smaller. */
  above(max: number): number;
  /** An end that is not larger. */
  below(min: number): number;
}
