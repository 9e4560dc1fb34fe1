/**
 * What branches compare, whether the outcome is known, and what their edges know.
 *
 * Comparisons of packet pointers with the end of the packet are bounds checks; only the forms that the verifier
 * learns from count as such (`<`, `<=`, `>`, `>=` of 64 bits, either order). All others are comparisons in general,
 * reduced to four relations.
 */

import {
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JMP,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  hasSourceRegister,
  operationOf,
} from '../../../isa/index.ts';
import type { Ins } from '../ir/index.ts';
import type { Passes } from '../model/index.ts';
import { ABOVE, ABOVE_SIGNED, areRelated, COMMON_BITS, EQUAL, lowWord, type Relation } from './constants.ts';
import { type Bound, boundOf, type Comparison, outcomeOf, withBound, withOutcome } from './knowledge.ts';
import type { State } from './state.ts';
import { NO_VALUE, type Value, type Values } from './values.ts';

/** `base + distance` against `limit`, the first byte after what may be accessed. */
interface BoundsCheck {
  readonly kind: 'bounds';
  readonly base: Value;
  readonly limit: Value;
  readonly distance: number;
  /** The check is `<`, which leaves one byte more than `<=`. */
  readonly isStrict: boolean;
  readonly passesIfTaken: boolean;
}

interface Compared {
  readonly kind: 'comparison';
  readonly subject: Value;
  readonly comparison: Comparison;
  readonly holdsIfTaken: boolean;
}

interface Constants {
  readonly kind: 'constants';
  readonly isTaken: boolean;
}

export type Check = BoundsCheck | Compared | Constants;

interface Form {
  readonly relation: Relation;
  readonly isSwapped: boolean;
  readonly isNegated: boolean;
}

function form(relation: Relation, isSwapped: boolean, isNegated: boolean): Form {
  return { relation, isSwapped, isNegated };
}

/** Every comparison as a relation of its operands: `a >= b` is not `b > a`. */
const FORMS: ReadonlyMap<number, Form> = new Map([
  [BPF_JEQ, form(EQUAL, false, false)],
  [BPF_JNE, form(EQUAL, false, true)],
  [BPF_JSET, form(COMMON_BITS, false, false)],
  [BPF_JGT, form(ABOVE, false, false)],
  [BPF_JLE, form(ABOVE, false, true)],
  [BPF_JLT, form(ABOVE, true, false)],
  [BPF_JGE, form(ABOVE, true, true)],
  [BPF_JSGT, form(ABOVE_SIGNED, false, false)],
  [BPF_JSLE, form(ABOVE_SIGNED, false, true)],
  [BPF_JSLT, form(ABOVE_SIGNED, true, false)],
  [BPF_JSGE, form(ABOVE_SIGNED, true, true)],
]);

/** Bytes from the start of a packet that the verifier follows. */
const MAX_PACKET_OFFSET = 0xffff;
const OPAQUE = 16;

export class Branches {
  readonly #values: Values;
  readonly #passes: Passes;

  constructor(values: Values, passes: Passes) {
    this.#values = values;
    this.#passes = passes;
  }

  /** What a branch compares; undefined where it is not known. */
  check(state: State, ins: Ins): Check | undefined {
    const found = FORMS.get(operationOf(ins.opcode));
    if (found === undefined) return undefined;
    const isWide = (ins.opcode & 7) === BPF_JMP;
    const left = state.valueOf(ins.dst, this.#values);
    const right = this.#second(state, ins, isWide);
    const [a, b] = found.isSwapped ? [right, left] : [left, right];
    const bounds = isWide ? this.#boundsCheck(found, a, b) : undefined;
    return bounds ?? this.#compare(found, isWide, a, b);
  }

  #second(state: State, ins: Ins, isWide: boolean): Value {
    if (hasSourceRegister(ins.opcode)) return state.valueOf(ins.src, this.#values);
    if (ins.core !== null) return this.#values.fresh();
    return this.#values.constant(isWide ? ins.imm : ins.imm >>> 0);
  }

  /** `a > b` or its opposite, where one of them is in the packet and the other one its end. */
  #boundsCheck({ relation, isNegated }: Form, a: Value, b: Value): BoundsCheck | undefined {
    if (relation !== ABOVE) return undefined;
    const isPointerFirst = this.#isLimit(b, a);
    if (!isPointerFirst && !this.#isLimit(a, b)) return undefined;
    const pointer = isPointerFirst ? a : b;
    const { base, offset } = this.#values.traits(pointer);
    return {
      kind: 'bounds',
      base: base === NO_VALUE ? pointer : base,
      limit: isPointerFirst ? b : a,
      distance: offset,
      isStrict: !isPointerFirst,
      passesIfTaken: isPointerFirst === isNegated,
    };
  }

  #isLimit(limit: Value, pointer: Value): boolean {
    const { kind, isBounded } = this.#values.traits(pointer);
    return kind === 'packet' && isBounded && this.#values.traits(limit).kind === 'end';
  }

  #compare({ relation, isNegated }: Form, isWide: boolean, a: Value, b: Value): Check {
    const left = this.#values.traits(a);
    const right = this.#values.traits(b);
    if (left.constant !== undefined && right.constant !== undefined)
      return {
        kind: 'constants',
        isTaken: areRelated(relation, isWide, left.constant, right.constant) !== isNegated,
      };
    const areNarrow = left.isNarrow && right.isNarrow;
    const isReversed = left.constant !== undefined;
    const comparison = this.#comparison(
      relation,
      isWide || (areNarrow && relation !== ABOVE_SIGNED),
      isReversed,
      isReversed ? a : b,
    );
    return { kind: 'comparison', subject: isReversed ? b : a, comparison, holdsIfTaken: !isNegated };
  }

  #comparison(relation: Relation, isWide: boolean, isReversed: boolean, operand: Value): Comparison {
    const constant = this.#values.traits(operand).constant;
    const compared = constant === undefined || isWide ? constant : lowWord(constant);
    const other = compared === undefined ? operand : this.#values.constant(compared);
    const isSymmetric = relation === EQUAL || relation === COMMON_BITS;
    const code = relation * 4 + (isWide ? 1 : 0) + (isReversed && !isSymmetric ? 2 : 0);
    const id = this.#values.pair(code, other);
    return { id, relation, isWide, isReversed, other, constant: compared };
  }

  /** Whether the branch is taken, as far as the passes that run may decide it. */
  decide(state: State, check: Check): boolean | undefined {
    if (check.kind === 'constants') return this.#passes.constants ? check.isTaken : undefined;
    if (check.kind === 'bounds') return this.#passes.bounds ? this.#decideBounds(state, check) : undefined;
    if (!this.#passes.facts) return undefined;
    const { subject, comparison, holdsIfTaken } = check;
    const index = this.#values.subjectIfAny(subject, this.#isWhole(subject, comparison));
    const holds = index === undefined ? undefined : outcomeOf(state.known[index], comparison);
    return holds === undefined ? undefined : holds === holdsIfTaken;
  }

  /** Whether a comparison is about the whole value, and not only about its lower half. */
  #isWhole(value: Value, { isWide }: Comparison): boolean {
    return isWide || this.#values.traits(value).isNarrow;
  }

  #decideBounds(state: State, check: BoundsCheck): boolean | undefined {
    const index = this.#values.subjectIfAny(check.base, true);
    const bound = index === undefined ? undefined : boundOf(state.known[index], check.limit);
    if (bound === undefined) return undefined;
    if (passes(bound, check)) return check.passesIfTaken;
    return check.distance + (check.isStrict ? 1 : 0) >= bound.over ? !check.passesIfTaken : undefined;
  }

  /** Adds what the edge of the branch knows to its state. */
  learn(state: State, check: Check, isTaken: boolean): void {
    if (check.kind === 'constants') return;
    if (check.kind === 'bounds') this.#learnBounds(state, check, isTaken === check.passesIfTaken);
    else this.#learnOutcome(state, check, isTaken === check.holdsIfTaken);
  }

  #learnBounds(state: State, check: BoundsCheck, hasPassed: boolean): void {
    const { base, limit, distance, isStrict } = check;
    const index = this.#values.subject(base, true);
    const before = boundOf(state.known[index], limit) ?? {
      limit,
      fits: 0,
      below: 0,
      over: Number.POSITIVE_INFINITY,
    };
    const isFollowed = distance > 0 && distance <= MAX_PACKET_OFFSET;
    if (hasPassed && !isFollowed) return;
    const over = Math.min(before.over, distance + (isStrict ? 1 : 0));
    const field = isStrict ? 'below' : 'fits';
    const after = hasPassed ? { ...before, [field]: Math.max(before[field], distance) } : { ...before, over };
    state.learn(index, withBound(state.known[index], after));
  }

  #learnOutcome(state: State, { subject, comparison }: Compared, holds: boolean): void {
    this.#record(state, subject, comparison, holds);
    if (comparison.constant !== undefined) return;
    const mirrored = this.#comparison(
      comparison.relation,
      comparison.isWide,
      !comparison.isReversed,
      subject,
    );
    this.#record(state, comparison.other, mirrored, holds);
  }

  /** Verifiers connect a number with another one that is a constant away: what is learned is new for both. */
  #record(state: State, value: Value, comparison: Comparison, holds: boolean): void {
    const isWhole = this.#isWhole(value, comparison);
    const index = this.#values.subject(value, isWhole);
    const { base, most } = this.#values.traits(value);
    state.learn(index, withOutcome(state.known[index], comparison, holds, most));
    if (base === NO_VALUE) return;
    const opaque: Comparison = {
      ...comparison,
      id: this.#values.pair(OPAQUE, comparison.id),
      constant: undefined,
    };
    const baseIndex = this.#values.subject(base, true);
    state.learn(baseIndex, withOutcome(state.known[baseIndex], opaque, holds, Number.POSITIVE_INFINITY));
  }
}

/** Whether the verifier, and every kernel's, knows that the check passes. */
function passes({ fits, below }: Bound, { distance, isStrict }: BoundsCheck): boolean {
  if (isStrict) return (below > 0 && distance <= below) || (fits > 0 && distance < fits);
  return (fits > 0 && distance <= fits) || (below > 0 && distance < below);
}

/** Whether the branch is a bounds check that passes. */
export function isPassing(check: Check, isTaken: boolean): boolean {
  return check.kind === 'bounds' && check.passesIfTaken === isTaken;
}
