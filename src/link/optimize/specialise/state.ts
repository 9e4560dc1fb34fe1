/**
 * What is known at a place of a path: which value each register has, what is known of values, and which contents
 * of context and packet the loads after it see.
 */

import { elementAt } from '../../../bytes/index.ts';
import { FIRST_VIRTUAL, type Register } from '../ir/index.ts';
import type { Knowledge } from './knowledge.ts';
import { NO_VALUE, type Value, type Values } from './values.ts';

export class State {
  readonly registers: Int32Array;
  /** By subject (`Values.subject`). */
  readonly known: (Knowledge | undefined)[];
  /** Versions: of the fields of the context that point into the packet, of its others, of the packet's bytes. */
  pointers = 0;
  fields = 0;
  packet = 0;
  /** Changes where arithmetic is not shared with what is before. */
  arithmetic = 0;
  /** Registers and the values that they had, in the order of changes; null while nothing is to be undone. */
  #journal: number[] | null = null;

  constructor(registers: Int32Array, known: (Knowledge | undefined)[]) {
    this.registers = registers;
    this.known = known;
  }

  /** Knows nothing. */
  static empty(registers: number): State {
    return new State(new Int32Array(registers), []);
  }

  copy(): State {
    const copy = new State(this.registers.slice(), this.known.slice());
    copy.pointers = this.pointers;
    copy.fields = this.fields;
    copy.packet = this.packet;
    copy.arithmetic = this.arithmetic;
    return copy;
  }

  /** Runs a function that follows instructions, and undoes what it changed. It learns nothing. */
  tentatively<T>(run: () => T): T {
    const { pointers, fields, packet, arithmetic } = this;
    const journal: number[] = [];
    this.#journal = journal;
    const result = run();
    this.#journal = null;
    for (let i = journal.length - 2; i >= 0; i -= 2)
      this.registers[elementAt(journal, i)] = elementAt(journal, i + 1);
    Object.assign(this, { pointers, fields, packet, arithmetic });
    return result;
  }

  /** Contents of a register; what nothing is known about gets a number. */
  valueOf(register: Register, values: Values): Value {
    const value = this.registers[register];
    if (value !== undefined && value !== NO_VALUE) return value;
    const fresh = values.fresh();
    this.set(register, fresh, values);
    return fresh;
  }

  set(register: Register, value: Value, values: Values): void {
    this.#journal?.push(register, elementAt(this.registers, register));
    this.registers[register] = value;
    values.addHome(value, register);
  }

  /** A virtual register that has the value; -1 for none. */
  homeOf(value: Value, values: Values): Register {
    for (const register of values.homes(value)) if (this.registers[register] === value) return register;
    return -1;
  }

  learn(subject: number, known: Knowledge): void {
    while (this.known.length < subject) this.known.push(undefined);
    this.known[subject] = known;
  }

  /** Whether paths that lead here know different things about the value. */
  isTainted(value: Value, values: Values): boolean {
    return (
      this.#isTainted(values.subjectIfAny(value, true)) || this.#isTainted(values.subjectIfAny(value, false))
    );
  }

  #isTainted(subject: number | undefined): boolean {
    return subject !== undefined && this.known[subject]?.isTainted === true;
  }

  /** Number of what is known about the value: the same while nothing is learned. */
  stampOf(value: Value, values: Values): number {
    const wide = this.#stamp(values.subjectIfAny(value, true), values);
    const words = this.#stamp(values.subjectIfAny(value, false), values);
    return words === 0 ? wide : values.pair(wide, words);
  }

  #stamp(subject: number | undefined, values: Values): number {
    return subject === undefined ? 0 : values.stamp(this.known[subject]);
  }

  /** Forgets what a loop changes, before its first instruction; what is computed before it is not shared with it. */
  enterLoop(written: readonly Register[], values: Values): void {
    this.registers.fill(NO_VALUE, 0, FIRST_VIRTUAL);
    for (const register of written) this.registers[register] = NO_VALUE;
    this.arithmetic = values.version();
    this.forgetMemory(values);
  }

  /** Context and packet may have changed, pointers into the packet too. */
  forgetMemory(values: Values): void {
    this.pointers = values.version();
    this.fields = values.version();
    this.packet = values.version();
  }
}
