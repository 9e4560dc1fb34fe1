/** What every operation on chains works with. */

import type { Sys } from '../../kernel/index.ts';
import type { InputObject } from '../../object/index.ts';
import type { Store, StoreEntry } from '../../store/index.ts';
import type { ChainBackEnd, ChainDesign, ChainState } from '../model/index.ts';

/** What reading and changing chains needs. */
export interface ChainContext {
  readonly sys: Sys;
  readonly store: Store;
  /** Seconds since 1970, for records. */
  readonly time: number | null;
}

/** A chain that runs, with what is recorded of it. */
export interface RunningChain {
  readonly state: ChainState;
  /** Empty where nothing is attached, and for what is not a chain. */
  readonly design: ChainDesign;
  /** The entry of the store that keeps it; undefined when it has none. */
  readonly entry: StoreEntry | undefined;
}

export type { ChainBackEnd, InputObject };
