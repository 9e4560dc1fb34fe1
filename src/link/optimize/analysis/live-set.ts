/** Registers that are live at one place, while an analysis walks through a block: a set that is fast to list. */

import { filled, intAt } from './integers.ts';

const ABSENT = -1;

export class LiveSet {
  /** The registers, in no order; only the first `size` count. */
  readonly registers: Int32Array;
  size = 0;
  readonly #places: Int32Array;

  constructor(registers: number) {
    this.registers = new Int32Array(registers);
    this.#places = filled(registers, ABSENT);
  }

  has(register: number): boolean {
    return intAt(this.#places, register) !== ABSENT;
  }

  add(register: number): void {
    if (this.has(register)) return;
    this.#places[register] = this.size;
    this.registers[this.size++] = register;
  }

  delete(register: number): void {
    const place = intAt(this.#places, register);
    if (place === ABSENT) return;
    const last = intAt(this.registers, --this.size);
    this.registers[place] = last;
    this.#places[last] = place;
    this.#places[register] = ABSENT;
  }

  /** Becomes the set of `registers`. */
  set(registers: readonly number[]): void {
    while (this.size > 0) this.delete(intAt(this.registers, 0));
    for (const register of registers) this.add(register);
  }
}
