/**
 * Available values: an instruction whose value a register has becomes a copy of this register.
 *
 * Available is what a virtual register has on every path to here, and about which all these paths know the same.
 * What is not available gets a new value, so that nothing that was learned about an old one is taken for known.
 */

import { type Ins, move } from '../ir/index.ts';
import type { State } from './state.ts';
import { NO_VALUE, type Traits, type Value, type Values } from './values.ts';

/** Key of an expression that is never shared. */
export const NOT_SHARED = 0;

export class Expressions {
  readonly #values: Values;

  constructor(values: Values) {
    this.#values = values;
  }

  /**
   * Gives the written register the value of an expression. Returns what is to be executed: a copy, the
   * instruction itself, or null where the register has the value already.
   */
  define(state: State, ins: Ins, key: number, traits: Partial<Traits>): Ins | null {
    const available = key === NOT_SHARED ? NO_VALUE : this.#available(state, key);
    if (available !== NO_VALUE) return this.#copy(state, ins, available);
    const value = this.#values.fresh(traits);
    if (key !== NOT_SHARED) this.#values.addCandidate(key, value);
    return this.assign(state, ins, value);
  }

  /** Gives the written register a value that the instruction computes. */
  assign(state: State, ins: Ins, value: Value): Ins {
    state.set(ins.dst, value, this.#values);
    return ins;
  }

  #copy(state: State, ins: Ins, value: Value): Ins | null {
    const home = state.homeOf(value, this.#values);
    if (home === ins.dst) return null;
    state.set(ins.dst, value, this.#values);
    return move(ins.dst, home, ins.line);
  }

  #available(state: State, key: number): Value {
    const candidates = this.#values.candidates(key);
    for (let i = candidates.length - 1; i >= 0; i--) {
      const value = candidates[i];
      if (value === undefined || state.homeOf(value, this.#values) < 0) continue;
      if (!state.isTainted(value, this.#values)) return value;
    }
    return NO_VALUE;
  }
}
