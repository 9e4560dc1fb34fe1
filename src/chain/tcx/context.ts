/** What everything about tcx chains works with. */

import type { Sys } from '../../kernel/index.ts';
import type { LoadOptions } from '../../load/index.ts';
import type { Store } from '../../store/index.ts';

export interface TcxContext {
  readonly sys: Sys;
  readonly store: Store;
  /** Seconds since 1970, for records. */
  readonly time: number | null;
}

/** How a tcx chain is changed. */
export interface TcxOptions {
  /** How members are loaded. */
  readonly load?: Omit<LoadOptions, 'globals' | 'maxEntries' | 'programs' | 'reuse'>;
  /** Maps, variables and members that begin with new contents: `MEMBER`, `MEMBER:NAME`, `NAME`, `*`. */
  readonly fresh?: readonly string[];
  /** Check everything but what the verifier reports, and change nothing. */
  readonly dryRun?: boolean;
}
