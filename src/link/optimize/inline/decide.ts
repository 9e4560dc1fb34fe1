/**
 * Which calls are replaced by the body of the function that they call, and why others stay.
 *
 * Two questions: whether a function may be inlined at all (`objection`: rules of the kernel and of linking, the
 * same for every call of it), and whether this call of it should be (`decline`: scope, stack, size). Each reason
 * completes the sentence `not inlined: <reason>`.
 */

import { MAX_STACK_BYTES, type SymbolIndex } from '../../../object/index.ts';
import type { InlineScope } from '../index.ts';
import { isCall } from '../ir/index.ts';
import { callCounts, FunctionUses } from './function-uses.ts';
import type { Functions } from './functions.ts';

/** Instructions of a function that costs more to call than to copy. */
const TINY = 8;

/** A call as the program that is optimized reaches it. */
export interface CallPlace {
  readonly callee: SymbolIndex;
  /** Functions whose code the call is in, the program first. */
  readonly path: readonly SymbolIndex[];
  /** Bytes of stack that are in use above the callee's frame. */
  readonly stack: number;
}

/** The rules of one object. */
export class Decisions {
  readonly #functions: Functions;
  readonly #noInline: ReadonlySet<string>;
  readonly #uses: FunctionUses;
  readonly #calls: ReadonlyMap<SymbolIndex, number>;
  readonly #known = new Map<SymbolIndex, string | null>();

  constructor(functions: Functions, noInline: readonly string[]) {
    this.#functions = functions;
    this.#noInline = new Set(noInline);
    this.#uses = new FunctionUses(functions.object);
    this.#calls = callCounts(functions.object);
  }

  /** Why no call of a function is replaced; null where calls may be. */
  objection(callee: SymbolIndex): string | null {
    const known = this.#known.get(callee);
    if (known !== undefined) return known;
    const reason = this.#findObjection(callee);
    this.#known.set(callee, reason);
    return reason;
  }

  #findObjection(callee: SymbolIndex): string | null {
    const symbol = this.#functions.symbol(callee);
    if (symbol === undefined) return 'it is not defined here';
    if (this.#noInline.has(symbol.name)) return 'it is to stay a function (no-inline)';
    if (this.#functions.isProgram(callee)) return 'it is a program itself';
    return this.#uses.objection(callee, symbol) ?? this.#functions.objection(callee);
  }

  /** How often all code of the object calls a function. */
  callsOf(callee: SymbolIndex): number {
    return this.#calls.get(callee) ?? 0;
  }

  /** Straight code of a few instructions that calls no function. */
  isTiny(callee: SymbolIndex): boolean {
    const { code, symbol } = this.#functions.liftable(callee);
    const [only, another] = code.blocks;
    if (only === undefined || another !== undefined || symbol.code.length > TINY * 8) return false;
    return !only.ins.some(ins => isCall(ins) && ins.reference !== null);
  }

  /** Instruction slots of a function. */
  sizeOf(callee: SymbolIndex): number {
    return this.#functions.liftable(callee).symbol.code.length / 8;
  }

  frameOf(callee: SymbolIndex): number {
    return this.#functions.liftable(callee).frame;
  }
}

/** Slots that copies of functions may add to a program, whatever its size. */
const FREE_GROWTH = { all: 4096, single: 256, members: 256, none: 0 };
/** How many times its size copies may add. */
const GROWTH = { all: 4, single: 1, members: 1, none: 0 };

/** Decides about the calls of one program, in the order in which it is asked. */
export class ProgramDecisions {
  readonly #decisions: Decisions;
  readonly #scope: InlineScope;
  /** Slots that second and further copies of functions may take. */
  readonly #limit: number;
  #spent = 0;
  readonly #copied = new Set<SymbolIndex>();

  /** `insns`: slots of the program and the functions that it calls. */
  constructor(decisions: Decisions, scope: InlineScope, insns: number) {
    this.#decisions = decisions;
    this.#scope = scope;
    this.#limit = Math.max(FREE_GROWTH[scope], GROWTH[scope] * insns);
  }

  /** Why the call stays; null: it is to be replaced, which is then counted. */
  decline(place: CallPlace): string | null {
    const reason =
      this.#decisions.objection(place.callee) ?? this.#outOfScope(place) ?? this.#tooLarge(place);
    if (reason !== null) return reason;
    if (this.#copied.has(place.callee)) this.#spent += this.#decisions.sizeOf(place.callee);
    this.#copied.add(place.callee);
    return null;
  }

  #outOfScope({ callee, path }: CallPlace): string | null {
    if (path.includes(callee)) return 'it calls itself';
    if (this.#scope === 'none') return 'nothing is inlined';
    if (this.#scope === 'all' || path.length === 1 || this.#decisions.isTiny(callee)) return null;
    if (this.#scope === 'members') return 'only calls of the program itself are inlined';
    return this.#decisions.callsOf(callee) === 1 ? null : 'it has several callers';
  }

  #tooLarge({ callee, stack }: CallPlace): string | null {
    const frame = this.#decisions.frameOf(callee);
    if (stack + frame > MAX_STACK_BYTES)
      return `its frame of ${frame} bytes does not fit below ${stack} bytes`;
    if (!this.#copied.has(callee)) return null;
    const after = this.#spent + this.#decisions.sizeOf(callee);
    return after > this.#limit ? `copies of functions would add more than ${this.#limit} instructions` : null;
  }
}
