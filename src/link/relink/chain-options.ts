/** What a generated chain is made from. Separate from the code of chains, which its parts share. */

import type { ByteOrder } from '../../bytes/index.ts';
import type { Verdict } from '../../object/index.ts';

export interface ChainSlot {
  /** Verdicts that continue with the next slot. */
  readonly continueOn: readonly Verdict[];
}

export interface ChainOptions {
  readonly slots: readonly ChainSlot[];
  /** Section of the program, which specifies its type: `xdp`, `tc`, … */
  readonly section: string;
  readonly byteOrder: ByteOrder;
  /** Name of the program. Default `chain`. */
  readonly program?: string;
  /**
   * Verdict of the chain if its last slot continues: a verdict, or `last` for that of the slot. Default
   * `last`.
   */
  readonly final?: number | 'last';
  /** What the chain returns in place of a verdict that ends it; for hooks where that verdict continues. */
  readonly stopAs?: { readonly verdict: number; readonly returned: number };
  /**
   * All slots run whatever they return, and bit 0 of the result is the conjunction of theirs, as on hooks of
   * cgroups; with `flag`, bit 1 is set if one of them sets it. `continueOn` and `final` have no effect then.
   */
  readonly conjunction?: { readonly flag: boolean };
  /** Text of the `license` section. Default: none, so that linked with its components it has theirs. */
  readonly license?: string;
  /**
   * The chain counts what its slots do, when the first word of its variable `rootlet_watch` is not 0. Only for
   * types of programs that `canWatch` knows, and not with `conjunction`.
   */
  readonly watch?: ChainWatch;
}

/** How a chain is watched. */
export interface ChainWatch {
  /** It can also send records of packets; its license then has to be compatible with the GPL. */
  readonly trace: boolean;
}
