/** What a merge takes: type sections, with the types to omit and to redirect. */

import type { Btf, BtfId } from '../model/index.ts';

/** A type of another input. */
export interface MergeTarget {
  /** Index of the input. */
  readonly input: number;
  readonly id: BtfId;
}

export interface MergeInput {
  readonly btf: Btf;
  /** Types that are left out, with the declaration tags on them. Nothing that is kept may refer to them. */
  readonly omit?: ReadonlySet<BtfId>;
  /** Ids that represent a type of another input: an extern FUNC for its definition. */
  readonly redirect?: ReadonlyMap<BtfId, MergeTarget>;
  /** If given, only what is reachable from these survives, and the declaration tags on it. */
  readonly roots?: Iterable<BtfId>;
}
