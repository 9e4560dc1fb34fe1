/** Options and results of the optimizer. */

import type { BpfObject } from '../../../object/index.ts';
import type { Passes } from './passes.ts';

/**
 * Which calls are replaced by the body of the function that they call, as far as the rules of the kernel allow it:
 *
 * - `all`: every call;
 * - `single`: calls that a program makes itself, except of functions of more than 32 instructions that it calls
 *   several times; and below these, calls of functions that it calls once. Of global ones that get more than the
 *   context, only those of up to 32 instructions or without branches: the verifier checks a global function once, by
 *   its types. The default;
 * - `members`: only calls that a program makes itself, with the same exception;
 * - `none`: no call.
 *
 * Functions of at most 8 instructions without branches and calls are inlined at every scope but `none`. Second and
 * further copies of functions add no more than 256 instructions, or as many as there were; with `all` 4096, or four
 * times as many.
 *
 * In this order they are the steps of a ladder: who loads the result steps down where a verifier refuses it.
 */
export type InlineScope = 'all' | 'single' | 'members' | 'none';

/** Options of `optimize`. */
export interface OptimizeOptions {
  /** Default `single`. */
  readonly inline?: InlineScope;
  /** Functions, by name, that stay as they are: something attaches to them or replaces them. */
  readonly noInline?: readonly string[];
  /** Programs, by name, that are optimized. Default: all. */
  readonly programs?: readonly string[];
  /**
   * Functions that nothing calls after inlining are removed, with their types, also where other objects could
   * use them. Default: static ones only.
   */
  readonly removeInlined?: boolean;
  /**
   * Functions, by name, of which a program's first call is inlined, whatever their size, and no other call: those
   * are on a path that few packets take. Not with the scope `all`.
   *
   * @internal
   */
  readonly firstCalls?: readonly string[];
  /**
   * Passes that run. For tests and measurements.
   *
   * @internal
   */
  readonly passes?: Partial<Passes>;
}

/** A call that was replaced by the function's body. */
export interface InlinedCall {
  readonly function: string;
  /** Function whose code the call was in. */
  readonly caller: string;
}

/** A call that stays. */
export interface KeptCall extends InlinedCall {
  /** Why, as words: `its address is taken`. */
  readonly reason: string;
}

/** What was done to one program. */
export interface ProgramOptimization {
  readonly program: string;
  /** Null where it was optimized; else why not, as words. The program is then unchanged. */
  readonly refused: string | null;
  /** The step of the ladder that was taken: where less than asked for, `stepped` says why. */
  readonly inline: InlineScope;
  /** Why not more was inlined: what a pass refused, or the limit that it would break. Null at the first step. */
  readonly stepped: string | null;
  readonly inlined: readonly InlinedCall[];
  readonly kept: readonly KeptCall[];
  /** Instruction slots of the program and all functions that it calls. */
  readonly insns: { readonly before: number; readonly after: number };
  /** Bytes of the program's own frame. */
  readonly stack: { readonly before: number; readonly after: number };
  /** Loads, checks and arithmetic replaced by copies; branches decided; registers kept on the stack. */
  readonly shared: number;
  readonly decided: number;
  readonly spilled: number;
}

/** What `optimize` did. */
export interface OptimizeReport {
  readonly inline: InlineScope;
  readonly programs: readonly ProgramOptimization[];
  /** Functions that are gone, by name. */
  readonly removed: readonly string[];
}

/** The optimized object. Nothing is refused: what cannot be optimized stays, and the report says why. */
export interface Optimized {
  readonly object: BpfObject;
  readonly report: OptimizeReport;
}
