/**
 * The passes of the optimizer, each of which can be left out: that is how each is tested and measured alone.
 *
 * Liveness, webs and register colouring are not among them: code over virtual registers needs them.
 */

/** Which passes run. */
export interface Passes {
  /** Bodies of functions in place of calls. */
  readonly inline: boolean;
  /** Registers that are copies of each other become one. */
  readonly coalesce: boolean;
  /** Copies are propagated, and what nothing uses is removed. */
  readonly clean: boolean;
  /** Identical ends of blocks are merged. */
  readonly tails: boolean;
  /** Tests for neighbouring numbers become comparisons of ranges. */
  readonly ranges: boolean;
  /** Branches on constants are decided, on each path (jump threading). */
  readonly constants: boolean;
  /** Loads of context fields are shared. */
  readonly context: boolean;
  /** Comparisons of packet pointers with the end of the packet, once per path. */
  readonly bounds: boolean;
  /** Other comparisons that were made on every path are not made again. */
  readonly facts: boolean;
  /** Loads from packets and arithmetic are shared. */
  readonly packet: boolean;
}

export const ALL_PASSES: Passes = {
  inline: true,
  coalesce: true,
  clean: true,
  tails: true,
  ranges: true,
  constants: true,
  context: true,
  bounds: true,
  facts: true,
  packet: true,
};

/** Nothing but what every optimized program needs. */
export const NO_PASSES: Passes = {
  inline: false,
  coalesce: true,
  clean: false,
  tails: false,
  ranges: false,
  constants: false,
  context: false,
  bounds: false,
  facts: false,
  packet: false,
};
