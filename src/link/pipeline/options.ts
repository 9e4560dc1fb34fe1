/**
 * What `link()` and `relink()` have in common outside: options and outcomes.
 *
 * Separate from the pipeline, which takes none of these options: each driver translates its own into
 * requests.
 */

import type { Limits, Problem } from '../../diag/index.ts';
import type { BpfObject } from '../../object/index.ts';
import type { EditOptions } from '../edit/index.ts';
import type { ArchiveOptions, PulledMember } from '../inputs/index.ts';
import type { OptimizeOptions, OptimizeReport } from '../optimize/model/index.ts';
import type { LinkReport, LivePath } from '../report/index.ts';
import type { BindRequest, Explanation } from '../resolve/index.ts';

/** Options of every static link. A default that differs between them is documented there. */
export interface CommonLinkOptions {
  /** Name of the result in messages. */
  readonly name?: string;
  /** Reads the files that thin archives name. */
  readonly readMember?: ArchiveOptions['readMember'];
  /**
   * Limits of input, as `--limits` takes them (docs/robustness.md); of inputs that were read before, those of the
   * memory of the link.
   */
  readonly limits?: Limits;
  /** Edits of symbols and sections; those of one file are made before its names are resolved. */
  readonly edits?: EditOptions;
  /** Externs that get a definition of another input, whatever its name. */
  readonly bind?: readonly BindRequest[];
  /**
   * License of the result. Default: what all inputs state, "GPL" for several GPL-compatible spellings; a
   * problem (`link-license`) where others differ.
   */
  readonly license?: string;
  /** Drop functions, variables, maps and types that no program needs. */
  readonly gcSections?: boolean;
  /** With `gcSections`: names (`FILE:NAME` for those of one input) that stay, used or not. */
  readonly keep?: readonly string[];
  /** With `gcSections`: names for `LinkedObject.livePaths`. */
  readonly whyLive?: readonly string[];
  /**
   * Names to explain in `LinkedObject.explanations`; a name that no input knows is a problem of class
   * `usage`.
   */
  readonly explain?: readonly string[];
  /**
   * Optimize the programs of the result (`optimize`): true, or how. Here names of `noInline` may be those of inputs
   * (`FILE:NAME` for one), of the result, or of a slot for what fills it; names of `keep` and slots that stay open
   * are not inlined either. `removeInlined` is `gcSections` unless it is given.
   */
  readonly optimize?: boolean | OptimizeOptions;
}

/** The outcome of every static link that succeeds. */
export interface LinkedObject {
  readonly ok: true;
  readonly object: BpfObject;
  /** Made when first read. */
  readonly report: LinkReport;
  /** Archive members in the order in which they were taken. */
  readonly pulled: readonly PulledMember[];
  /** For `CommonLinkOptions.whyLive`, in that order. */
  readonly livePaths: readonly LivePath[];
  /** What the optimizer did; null without it. */
  readonly optimization: OptimizeReport | null;
  /** For `CommonLinkOptions.explain`, in that order. */
  readonly explanations: readonly Explanation[];
}

/** The outcome of every static link that fails. */
export interface LinkFailure {
  readonly ok: false;
  /** Every problem of the link, in order of inputs. */
  readonly problems: readonly Problem[];
  /** Archive members that were taken until then. */
  readonly pulled: readonly PulledMember[];
}
