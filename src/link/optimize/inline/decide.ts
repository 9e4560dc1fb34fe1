/**
 * Which calls are replaced by the body of the function that they call, and why others stay.
 *
 * Two questions: whether a function may be inlined at all (`objection`: rules of the kernel and of linking, the
 * same for every call of it), and whether this call of it should be (`decline`: scope, stack, size). Each reason
 * completes the sentence `not inlined: <reason>`.
 */

import { valueAt } from '../../../bytes/index.ts';
import { MAX_STACK_BYTES, type SymbolIndex } from '../../../object/index.ts';
import { INSN_SIZE } from '../../../uapi/index.ts';
import { isCall } from '../ir/index.ts';
import type { InlineScope, OptimizeOptions } from '../model/index.ts';
import { callCounts, FunctionUses } from './function-uses.ts';
import type { Functions } from './functions.ts';
import { firstArguments } from './register-use.ts';

/** Instructions of a function that costs more to call than to copy. */
const TINY = 8;
/**
 * Instructions of a function of which a program gets several copies, and of a global one that is inlined into a
 * function. Measured on random chains: larger ones cost the verifier more than they save.
 */
const SMALL = 32;

const COSTLY = 'it is global: the verifier checks it once, inlined it would on every path to it';

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
  readonly #firstCalls: ReadonlySet<string>;
  readonly #uses: FunctionUses;
  readonly #known = new Map<SymbolIndex, string | null>();

  constructor(functions: Functions, { noInline = [], firstCalls = [] }: OptimizeOptions) {
    this.#functions = functions;
    this.#noInline = new Set(noInline);
    this.#firstCalls = new Set(firstCalls);
    this.#uses = new FunctionUses(functions.object);
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

  /** Whether calls after the first one are on a path that few packets take. */
  isForFirstCall(callee: SymbolIndex): boolean {
    return this.#firstCalls.has(this.#functions.liftable(callee).symbol.name);
  }

  /** How often the functions of a program call each function. */
  callsIn(program: SymbolIndex): ReadonlyMap<SymbolIndex, number> {
    return callCounts(this.#functions.object, program);
  }

  /** Straight code of a few instructions that calls no function. */
  isTiny(callee: SymbolIndex): boolean {
    const { code, symbol } = this.#functions.liftable(callee);
    const [only, another] = code.blocks;
    if (only === undefined || another !== undefined || symbol.code.length > TINY * INSN_SIZE) return false;
    return !only.ins.some(ins => isCall(ins) && ins.reference !== null);
  }

  /**
   * Whether a verifier has more to do where the function is inlined. It checks a global one once, by its types;
   * inlined, on every path to it and for every number that it is given, its loops and callbacks one round after the
   * other.
   */
  isCostlyInline(callee: SymbolIndex): boolean {
    const { code, symbol } = this.#functions.liftable(callee);
    if (symbol.binding === 'local') return false;
    return code.blocks.length > 1 && this.sizeOf(callee) > SMALL;
  }

  /** Whether a function gets more than a member of a chain does: the context. */
  hasArguments(callee: SymbolIndex): boolean {
    return (this.#functions.liftable(callee).use.parameters & ~firstArguments(1)) !== 0;
  }

  /** Instruction slots of a function. */
  sizeOf(callee: SymbolIndex): number {
    return this.#functions.liftable(callee).symbol.code.length / INSN_SIZE;
  }

  frameOf(callee: SymbolIndex): number {
    return this.#functions.liftable(callee).frame;
  }
}

/**
 * Slots that second and further copies of functions may add to a program, whatever its size, and how many times its
 * size with that of the functions it calls.
 */
const FREE_GROWTH = { all: 4096, single: 256, members: 256, none: 0 };
const GROWTH = { all: 4, single: 1, members: 1, none: 0 };

/** Decides about the calls of one program, in the order in which it is asked. */
export class ProgramDecisions {
  readonly #decisions: Decisions;
  readonly #scope: InlineScope;
  /** Slots that second and further copies of functions may take. */
  readonly #limit: number;
  #spent = 0;
  /** Calls of each function in the code of the program and of what it calls. */
  readonly #calls: ReadonlyMap<SymbolIndex, number>;
  readonly #copied = new Set<SymbolIndex>();

  /** `insns`: slots of the program and the functions that it calls. */
  constructor(decisions: Decisions, program: SymbolIndex, scope: InlineScope, insns: number) {
    this.#decisions = decisions;
    this.#calls = decisions.callsIn(program);
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
    if (this.#scope === 'all' || this.#decisions.isTiny(callee)) return null;
    if (path.length > 1 && this.#scope === 'members')
      return 'only functions that the program calls itself are inlined';
    if (this.#decisions.isForFirstCall(callee))
      return this.#copied.has(callee) ? 'it is inlined on the path that packets take' : null;
    return path.length === 1 ? this.#declineMember(callee) : this.#declineBelow(callee);
  }

  /** A call that the program makes itself. */
  #declineMember(callee: SymbolIndex): string | null {
    const calls = this.#callsOf(callee);
    const isMember = !this.#decisions.hasArguments(callee);
    if (!isMember && this.#decisions.isCostlyInline(callee)) return COSTLY;
    if (calls === 1 || this.#decisions.sizeOf(callee) <= SMALL) return null;
    return `the program calls it ${calls} times, and it has more than ${SMALL} instructions`;
  }

  #declineBelow(callee: SymbolIndex): string | null {
    if (this.#callsOf(callee) > 1) return 'it has several callers';
    const isContextOnly = !this.#decisions.hasArguments(callee);
    return !isContextOnly && this.#decisions.isCostlyInline(callee) ? COSTLY : null;
  }

  #callsOf(callee: SymbolIndex): number {
    return valueAt(this.#calls, callee);
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
