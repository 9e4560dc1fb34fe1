/** Options of a static re-link. */

import type { LinkInput } from '../inputs/index.ts';
import type { CommonLinkOptions } from '../pipeline/index.ts';
import type { SlotAssignment } from './slots.ts';

/**
 * Defaults: the name is `chain.o`, `gcSections` is true, `optimize` is false (true for `relinkChain`). Names of `whyLive` may be those of inputs or of the
 * result.
 */
export interface RelinkOptions extends CommonLinkOptions {
  /** Components for the slots that no assignment names, in order. */
  readonly order?: readonly Omit<SlotAssignment, 'slot'>[];
  /** Slots whose component gets its own functions, maps and globals, even if it fills others too. */
  readonly ownState?: readonly string[];
  /**
   * Slots are called as the kernel calls programs: components are compared as entry points, not by their
   * spelling.
   */
  readonly entrySlots?: boolean;
  /**
   * Slots whose component must not throw an exception, because it would end more than the component.
   *
   * @internal
   */
  readonly mustReturn?: readonly string[];
  /**
   * Notes of whoever made the rootlet, for the report.
   *
   * @internal
   */
  readonly notes?: readonly string[];
  /** Archives: each component takes the members that it needs, its own copies. */
  readonly libraries?: readonly LinkInput[];
  /**
   * Names of maps, globals and functions that all components (and the rootlet) have in common; `*` for all
   * maps. The name of a library shares all that it defines.
   */
  readonly share?: readonly string[];
  /** Exceptions from `share`. */
  readonly private?: readonly string[];
  /**
   * Types of programs, as in the options of `loadObject`; a name may be `FILE:PROGRAM`. A component whose section
   * specifies no type gets that of the rootlet.
   */
  readonly types?: Readonly<Record<string, string>> | ReadonlyMap<string, string>;
  /** Report what a verifier would refuse (stack, call depth, …). Default true. */
  readonly checkLimits?: boolean;
}
