/** Options of a static re-link. */

import type { SurgeryOptions } from '../edit/index.ts';
import type { LinkInput } from '../inputs/index.ts';
import type { BindRequest } from '../resolve/index.ts';
import type { SlotAssignment } from './slots.ts';

/** Options of `relink`. */
export interface RelinkOptions {
  /** Name of the result in messages. Default `chain.o`. */
  readonly name?: string;
  /** Components for the slots that no assignment names, in order. */
  readonly order?: readonly Omit<SlotAssignment, 'slot'>[];
  /** Slots whose component gets functions, maps and globals of its own, even if it fills others too. */
  readonly ownState?: readonly string[];
  /** Slots are called as the kernel calls programs: components are compared as entry points, not by their spelling. */
  readonly entrySlots?: boolean;
  /** Archives: each component takes the members that it needs, its own copies. */
  readonly libraries?: readonly LinkInput[];
  /** Reads the files that thin archives name. */
  readonly readMember?: (archive: string, member: string) => Uint8Array;
  /** What is to be done to symbols and sections, before slots and programs are looked for. */
  readonly surgery?: SurgeryOptions;
  /**
   * Names of maps, globals and functions that all components (and the rootlet) have in common; `*` for all maps. The
   * name of a library stands for all that it defines.
   */
  readonly share?: readonly string[];
  /** Exceptions from `share`. */
  readonly private?: readonly string[];
  /** Externs that get a definition of another component. */
  readonly bind?: readonly BindRequest[];
  /** Say here what a kernel would refuse (stack, call depth, …). Default true. */
  readonly checkLimits?: boolean;
  /** Drop what no program of the rootlet needs. Default true. */
  readonly gcSections?: boolean;
  /** Names (`FILE:NAME` for those of one input) that stay, used or not. */
  readonly keep?: readonly string[];
  /** Names for `RelinkSuccess.livePaths`, as inputs or as the result have them. */
  readonly whyLive?: readonly string[];
  /** Names to explain in `RelinkSuccess.explanations`. */
  readonly explain?: readonly string[];
}
