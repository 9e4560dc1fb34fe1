/**
 * Value numbers: registers with the same number have the same contents, on the path that is looked at.
 *
 * Two registers get one number only where one is a 64-bit copy of the other, or where the verifier links them as
 * well (constants, pointers with a constant distance): what is known of a number holds then for the verifier in
 * every register that has it. An instruction that computes something again gets a new number unless it is
 * replaced by a copy.
 */

import { elementAt } from '../../../bytes/index.ts';
import { FIRST_VIRTUAL, type Register } from '../ir/index.ts';
import { type Constant, isNarrowConstant, sumOf } from './constants.ts';
import type { Knowledge } from './knowledge.ts';

/** A value number. */
export type Value = number;
export const NO_VALUE: Value = 0;

/**
 * What a value points to. `memory` is what is neither packet nor context: map values, data of the program;
 * `unknown` may be a pointer to anything, or a number.
 */
export type Kind = 'unknown' | 'context' | 'packet' | 'metadata' | 'end' | 'frame' | 'memory';

/** What is known of a value wherever it is. */
export interface Traits {
  readonly kind: Kind;
  readonly constant: Constant | undefined;
  /** The upper 32 bits are zero. */
  readonly isNarrow: boolean;
  /** The largest number that it may be, all 64 bits; infinite where that is not known. */
  readonly most: number;
  /** The value is `base + offset`; of others `NO_VALUE`. */
  readonly base: Value;
  readonly offset: number;
  /** What the verifier knows of it does not depend on the path: no meeting of paths, nothing from the stack. */
  readonly isUniform: boolean;
  /** A pointer whose comparisons with the end of the packet say something about its neighbours. */
  readonly isBounded: boolean;
}

const PLAIN: Traits = {
  kind: 'unknown',
  constant: undefined,
  isNarrow: false,
  most: Number.POSITIVE_INFINITY,
  base: NO_VALUE,
  offset: 0,
  isUniform: false,
  isBounded: false,
};

/** Numbers that are packed into pairs stay below this. */
const PAIR_LIMIT = 2 ** 26;
/** How many values of one expression are tried: those that were computed last. */
const MAX_CANDIDATES = 12;
/** How many registers with one value are tried: the first ones, which are most likely to have it still. */
const MAX_HOMES = 8;
/** Numbers below stand for opcodes, sizes and relations in pairs: no pair has one of them. */
const FIRST_PAIR = 1024;
/** Distances from a base that are followed. */
const MAX_OFFSET = 2 ** 24;

export class Values {
  readonly #traits: Traits[] = [PLAIN];
  readonly #constants = new Map<Constant, Value>();
  readonly #pairs = new Map<number, number>();
  readonly #sums = new Map<number, Value>();
  readonly #candidates: Value[][] = [];
  readonly #homes: (Register[] | undefined)[] = [];
  readonly #subjects: (number | undefined)[] = [];
  readonly #stamps = new Map<Knowledge, number>();
  #subjectCount = 0;
  #versions = 0;

  /** A number for contents that nothing else has. */
  fresh({
    kind = 'unknown',
    constant,
    isNarrow = false,
    most = Number.POSITIVE_INFINITY,
    base = NO_VALUE,
    offset = 0,
    isUniform = false,
    isBounded = false,
  }: Partial<Traits> = PLAIN): Value {
    return this.#traits.push({ kind, constant, isNarrow, most, base, offset, isUniform, isBounded }) - 1;
  }

  traits(value: Value): Traits {
    return elementAt(this.#traits, value);
  }

  constant(constant: Constant): Value {
    const known = this.#constants.get(constant);
    if (known !== undefined) return known;
    const value = this.fresh({ constant, isNarrow: isNarrowConstant(constant), isUniform: true });
    this.#constants.set(constant, value);
    return value;
  }

  /** A pointer, or a constant, `distance` away. */
  displaced(value: Value, distance: number): Value {
    const traits = this.traits(value);
    if (traits.constant !== undefined) return this.constant(sumOf(traits.constant, distance));
    const base = traits.base === NO_VALUE ? value : traits.base;
    const offset = traits.offset + distance;
    if (offset === 0) return base;
    if (Math.abs(offset) >= MAX_OFFSET) return this.fresh({ kind: traits.kind });
    const key = this.pair(base, MAX_OFFSET + offset);
    const known = this.#sums.get(key);
    if (known !== undefined) return known;
    const { kind, isUniform, isBounded } = this.traits(base);
    const sum = this.fresh({ kind, isUniform, isBounded, base, offset });
    this.#sums.set(key, sum);
    return sum;
  }

  /** One number for two: the same for the same two. */
  pair(a: number, b: number): number {
    const key = a * PAIR_LIMIT + b;
    const known = this.#pairs.get(key);
    if (known !== undefined) return known;
    const number = this.#pairs.size + FIRST_PAIR;
    this.#pairs.set(key, number);
    return number;
  }

  /** A number that was not used before: of a state of the context or of the packet. */
  version(): number {
    return ++this.#versions;
  }

  /**
   * Index of what states know about the value: about all of it, or about its lower 32 bits, which is the same for
   * narrow values.
   */
  subject(value: Value, isWide: boolean): number {
    const index = value * 2 + (isWide || this.traits(value).isNarrow ? 0 : 1);
    const known = this.#subjects[index];
    if (known !== undefined) return known;
    while (this.#subjects.length < index) this.#subjects.push(undefined);
    this.#subjects[index] = this.#subjectCount;
    return this.#subjectCount++;
  }

  /** Index, if anything was ever known. */
  subjectIfAny(value: Value, isWide: boolean): number | undefined {
    return this.#subjects[value * 2 + (isWide ? 0 : 1)];
  }

  /** Number of a piece of knowledge; 0 for none. */
  stamp(known: Knowledge | undefined): number {
    if (known === undefined) return 0;
    const stamp = this.#stamps.get(known);
    if (stamp !== undefined) return stamp;
    this.#stamps.set(known, this.#stamps.size + 1);
    return this.#stamps.size;
  }

  /** Values of the expression that a key stands for, the newest last. */
  candidates(key: number): readonly Value[] {
    return this.#candidates[key] ?? NONE;
  }

  addCandidate(key: number, value: Value): void {
    this.#homes[value] = [];
    const list = this.#candidates[key];
    if (list === undefined) this.#candidates[key] = [value];
    else {
      if (list.length >= MAX_CANDIDATES) list.shift();
      list.push(value);
    }
  }

  /** Virtual registers that were given a candidate on some path, the oldest first. */
  homes(value: Value): readonly Register[] {
    return this.#homes[value] ?? NONE;
  }

  addHome(value: Value, register: Register): void {
    const homes = this.#homes[value];
    if (homes === undefined || register < FIRST_VIRTUAL || homes.includes(register)) return;
    if (homes.length < MAX_HOMES) homes.push(register);
    else homes[MAX_HOMES - 1] = register;
  }
}

const NONE: readonly Value[] = [];
