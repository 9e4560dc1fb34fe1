/**
 * What is known about the functions of an object that programs are optimized from: each is read once.
 *
 * Nothing here recurses deeper than calls may be nested: programs whose calls are nested deeper, or go in a circle,
 * are refused before anything is asked about them.
 */

import { alignUp } from '../../../bytes/index.ts';
import {
  type BpfObject,
  callGraph,
  type FunctionSymbol,
  programsOf,
  type SymbolIndex,
} from '../../../object/index.ts';
import type { BlockIndex, Graph } from '../ir/index.ts';
import { Refusal } from '../model/index.ts';
import { Dynptrs } from './dynptrs.ts';
import { frameBound } from './frame-bound.ts';
import { FRAME_ROUNDING } from './frames.ts';
import { readFunction } from './function-code.ts';
import { firstArguments, type RegisterSet, type RegisterUse, registerUse } from './register-use.ts';

/** A function that can be lifted: a program, or one that is inlined. */
export interface LiftableFunction {
  readonly index: SymbolIndex;
  readonly symbol: FunctionSymbol;
  /** Over machine registers. */
  readonly code: Graph;
  /** Blocks of `code` that are reached. */
  readonly order: readonly BlockIndex[];
  readonly use: RegisterUse;
  /** Upper bound of its frame in bytes, a multiple of 8. */
  readonly frame: number;
  /** Its frame may have a dynptr when it returns: no other function may use these bytes. */
  readonly isFrameKept: boolean;
}

/** Reads functions on demand. */
export class Functions {
  readonly object: BpfObject;
  readonly #programs: ReadonlySet<SymbolIndex>;
  readonly #dynptrs: Dynptrs;
  readonly #code = new Map<SymbolIndex, Graph | string>();
  readonly #frames = new Map<SymbolIndex, number | string>();
  readonly #stacks = new Map<SymbolIndex, number>();
  readonly #use = new Map<SymbolIndex, RegisterUse>();
  readonly #asked = new Set<SymbolIndex>();

  constructor(object: BpfObject) {
    this.object = object;
    this.#dynptrs = new Dynptrs(object);
    this.#programs = new Set(programsOf(object).map(({ index }) => index));
  }

  /** The function that a symbol is; undefined for data, maps and externs. */
  symbol(index: SymbolIndex): FunctionSymbol | undefined {
    const symbol = this.object.symbols[index];
    return symbol?.kind === 'function' ? symbol : undefined;
  }

  isProgram(index: SymbolIndex): boolean {
    return this.#programs.has(index);
  }

  /** Why the code of a function cannot be lifted; null where it can. */
  objection(index: SymbolIndex): string | null {
    const code = this.#codeOf(index);
    if (typeof code === 'string') return code;
    const frame = this.#frameOf(index);
    return typeof frame === 'string' ? frame : null;
  }

  /** A function with all that lifting needs. Throws `Refusal` where it cannot be lifted. */
  liftable(index: SymbolIndex): LiftableFunction {
    const symbol = this.symbol(index);
    const code = this.#codeOf(index);
    const frame = this.#frameOf(index);
    if (symbol === undefined) throw new Refusal('it is not defined here');
    if (typeof code === 'string') throw new Refusal(code);
    if (typeof frame === 'string') throw new Refusal(frame);
    const isFrameKept = frame > 0 && this.#dynptrs.mayHold(index);
    return { index, symbol, code, order: code.order(), frame, isFrameKept, use: this.#useOf(index, code) };
  }

  /** Bytes of stack that a function takes at most with all that it calls; infinite where that is not known. */
  mostStack(index: SymbolIndex): number {
    const known = this.#stacks.get(index);
    if (known !== undefined) return known;
    const frame = this.symbol(index) === undefined ? 0 : this.#frameOf(index);
    let below = 0;
    for (const callee of callGraph(this.object).stackCallees(index))
      below = Math.max(below, this.mostStack(callee));
    const most =
      typeof frame === 'string' ? Number.POSITIVE_INFINITY : alignUp(frame, FRAME_ROUNDING) + below;
    this.#stacks.set(index, most);
    return most;
  }

  #codeOf(index: SymbolIndex): Graph | string {
    return remembered(this.#code, index, () => {
      const symbol = this.symbol(index);
      if (symbol === undefined) throw new Refusal('it is not defined here');
      if (symbol.faults !== undefined) throw new Refusal('its code is damaged');
      return readFunction(this.object, symbol);
    });
  }

  #frameOf(index: SymbolIndex): number | string {
    return remembered(this.#frames, index, () => {
      const bound = frameBound(this.object, index);
      if ('reason' in bound) throw new Refusal(bound.reason);
      return bound.bytes;
    });
  }

  #useOf(index: SymbolIndex, code: Graph): RegisterUse {
    const known = this.#use.get(index);
    if (known !== undefined) return known;
    this.#asked.add(index);
    const entry = this.isProgram(index) ? firstArguments(1) : null;
    const use = registerUse(this.object, code, callee => this.#parametersOf(callee), entry);
    this.#use.set(index, use);
    return use;
  }

  /** Null where the code cannot be read, or calls lead back to it. */
  #parametersOf(index: SymbolIndex): RegisterSet | null {
    const code = this.#codeOf(index);
    if (typeof code === 'string') return null;
    const known = this.#use.get(index);
    if (known !== undefined) return known.parameters;
    return this.#asked.has(index) ? null : this.#useOf(index, code).parameters;
  }
}

/** What `compute` gives, or the reason why not; asked once. */
function remembered<T>(
  known: Map<SymbolIndex, T | string>,
  index: SymbolIndex,
  compute: () => T,
): T | string {
  const before = known.get(index);
  if (before !== undefined) return before;
  const found = resultOf(compute);
  known.set(index, found);
  return found;
}

function resultOf<T>(compute: () => T): T | string {
  try {
    return compute();
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}
