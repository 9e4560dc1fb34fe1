/** Options of a change of a chain, and what it did. Separate because every back end takes and gives them. */

import type { GenerationOptions } from '../dynamic/index.ts';
import type { XdpMode } from '../kernel/index.ts';
import type { OptimizeReport } from '../link/index.ts';
import type { OptimizeSetting } from '../load/index.ts';
import type { StateChange } from '../state/index.ts';
import type { ChainBackEnd, ChainState } from './model/index.ts';

/** How a chain is changed. */
export interface ChainOptions {
  /** Default: that of the running chain, else what the kernel offers. */
  readonly via?: ChainBackEnd;
  /** XDP. Default: that of what is attached, else the kernel's choice. */
  readonly mode?: XdpMode;
  /** Replace or remove a program that is not a chain. */
  readonly force?: boolean;
  /** A program that is not a chain becomes the first member, unchanged. */
  readonly adopt?: boolean;
  /** A member that is lost by accident drops packets. Default: as it was. */
  readonly failClosed?: boolean;
  /** Members are built with counters, which cost next to nothing while they are off. Default: as it was, at first true. */
  readonly counters?: boolean;
  /** How its programs are optimized. Default: as it was, at first at level 1. */
  readonly optimize?: OptimizeSetting;
  /** Maps, variables and members that begin with new contents: `MEMBER`, `MEMBER:NAME`, `NAME`, `*`. */
  readonly fresh?: readonly string[];
  /** Check everything but what the verifier reports, and change nothing. */
  readonly dryRun?: boolean;
  /** How members are loaded. */
  readonly load?: Omit<GenerationOptions, 'globals' | 'maxEntries'>;
}

/** What a change did, or would do. */
export interface ChainChange {
  readonly before: ChainState;
  /** With `dryRun`, programs that would be loaded have no ids. */
  readonly after: ChainState;
  readonly changed: boolean;
  readonly via: ChainBackEnd | null;
  /** Why this back end. */
  readonly reason: string;
  /** What became of each map and data section. */
  readonly state: readonly StateChange[];
  /** One sentence each. */
  readonly notes: readonly string[];
  /** What the optimizer did, or would do at first; null where it does nothing. */
  readonly optimization: OptimizeReport | null;
}
