/**
 * A chain as it is to be: what an edit makes of the chain that runs. Pure data; back ends build it.
 */

import type { OptimizeSetting } from '../../load/index.ts';
import type { InputObject, Verdict } from '../../object/index.ts';
import type { Settings } from '../../state/index.ts';

/** A member of the next generation of a chain. */
export interface DesignMember {
  /** Unique in the chain. The member of this name that runs, if there is one, is continued: its state is kept. */
  readonly name: string;
  /** Null for a program of which there is no file: another tool loaded it. It stays as it is. */
  readonly file: InputObject | null;
  readonly program: string;
  readonly priority: number;
  /** Verdicts after which the next member runs; numbers ascend. */
  readonly continueOn: readonly Verdict[];
  /** What the operator gave, which a new version of the file does not change. */
  readonly given: { readonly priority: boolean; readonly continueOn: boolean };
  /** Values and sizes in force. */
  readonly settings: Settings;
  /** Id of the loaded program that is kept; null for a program that is to be loaded or linked. */
  readonly loaded: number | null;
  /** Id of the program of another tool that `file` calls, where the member was adopted; else null. */
  readonly adopted: number | null;
  /** Of a program that is kept: what orders it among others of its priority and name, and how it was loaded. */
  readonly rank?: {
    /** 16 hexadecimal digits. */
    readonly tag: string;
    /** Nanoseconds from the start of the machine to its load. */
    readonly loadTime: bigint;
    /** What it was loaded with: BPF_F_XDP_HAS_FRAGS, … */
    readonly flags: number;
  };
}

/** A whole chain, in the order in which members run. */
export interface ChainDesign {
  readonly members: readonly DesignMember[];
  readonly failClosed: boolean;
  /** Members are built with counters, where they can have them. Absent: true. */
  readonly counters?: boolean;
  /** How its programs are optimized, where that was given. Absent: at level 1. */
  readonly optimize?: OptimizeSetting;
}
