/** What a merge takes: type sections, with the types to omit, to redirect and to edit. */

import type { Btf, BtfId, BtfLinkage } from '../model/index.ts';

/** Changes to a VAR or FUNC while it is copied. */
export interface MergeEdit {
  readonly name?: string;
  readonly linkage?: BtfLinkage;
  /** Id of the same input. */
  readonly type?: BtfId;
}

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
  readonly edits?: ReadonlyMap<BtfId, MergeEdit>;
  /** If given, only what is reachable from these survives, and the declaration tags on it. */
  readonly roots?: Iterable<BtfId>;
}
