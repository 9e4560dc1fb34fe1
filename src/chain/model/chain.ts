/**
 * What a chain is, independent of how it is built: the programs of one hook of an interface, in the order in
 * which they run. Plain data, which back ends read from the kernel and commands print.
 */

import type { Problem } from '../../diag/index.ts';
import type { XdpMode } from '../../kernel/index.ts';
import type { InlineScope } from '../../link/index.ts';
import type { Verdict } from '../../object/index.ts';
import type { Settings } from '../../state/index.ts';

/** Hooks that have chains. */
export const CHAIN_KINDS = ['xdp', 'tc'] as const;
/** A kind of hook that has chains. */
export type ChainKind = (typeof CHAIN_KINDS)[number];

/**
 * How a chain is built. `libxdp`: a dispatcher whose functions the members replace, in the protocol of libxdp.
 * `static`: one program that is linked from the members. `tcx`: the kernel runs each member by a link of its own.
 */
export const CHAIN_BACK_ENDS = ['static', 'libxdp', 'tcx'] as const;
/** How a chain is built; see `CHAIN_BACK_ENDS`. */
export type ChainBackEnd = (typeof CHAIN_BACK_ENDS)[number];

/** One hook of one interface. The interface is identified by its index and its network namespace. */
export interface ChainHook {
  readonly kind: ChainKind;
  /** Null for XDP. */
  readonly direction: 'ingress' | 'egress' | null;
  /** Name of the interface now. */
  readonly interface: string;
  readonly ifindex: number;
  /** As `net:[4026531840]`. */
  readonly netns: string;
}

/** A loaded program. */
export interface ProgramFacts {
  readonly id: number;
  /** As complete as the kernel's types allow: the kernel itself keeps 15 characters. */
  readonly name: string;
  /** 16 hexadecimal digits. */
  readonly tag: string;
}

/** A member of a chain on a hook. */
export interface MemberState {
  /** Unique in the chain. */
  readonly name: string;
  /** Name of its function. */
  readonly program: string;
  /** File as given; null for a program that another tool loaded. */
  readonly file: string | null;
  /**
   * Another tool attached it beside the chain (tcx): it is never changed, and its priority is that of the member
   * before it, since it has none.
   */
  readonly foreign?: boolean;
  /** Lower values run earlier. */
  readonly priority: number;
  /** Verdicts after which the next member runs; numbers ascend. */
  readonly continueOn: readonly Verdict[];
  /** Null where the member is a part of a linked program. */
  readonly loaded: ProgramFacts | null;
  /** Values and sizes that were given for it. */
  readonly settings: Settings;
  /** Why it does not run although the chain has it; null when all is well. */
  readonly lost: string | null;
}

/** What is on a hook now. */
export interface ChainState {
  readonly hook: ChainHook;
  /** `foreign`: one program, or a set of them, that is not a chain of a kind known here. */
  readonly kind: 'none' | 'foreign' | 'chain';
  /** Null unless it is a chain. */
  readonly via: ChainBackEnd | null;
  /** Version of the dispatcher protocol; null for other back ends. */
  readonly version: number | null;
  /** XDP only. */
  readonly mode: XdpMode | null;
  /** The program on the hook; null where there is none, and for tcx, where each member is on the hook. */
  readonly program: ProgramFacts | null;
  /** In the order in which they run. A foreign program has no members; those of a tcx hook are listed. */
  readonly members: readonly MemberState[];
  /** A member that is lost drops packets instead of passing them. */
  readonly failClosed: boolean;
  /** The step of the optimizer that the linked program is at; absent for other back ends. */
  readonly optimized?: InlineScope;
  /** Name of the entry in the store; null when it has none. */
  readonly entry: string | null;
  /** What is wrong with it. */
  readonly problems: readonly Problem[];
}

/** Why a member runs where it runs: `runs 1st: priority 10, lower runs first`. */
export function explainPlace(members: readonly MemberState[], at: number): string {
  const member = members[at];
  if (member === undefined) return '';
  const place = `runs ${ordinal(at + 1)}: priority ${member.priority}`;
  const isTie = members.some((other, position) => position !== at && other.priority === member.priority);
  return isTie ? `${place}, equal priorities run by program name` : `${place}, lower runs first`;
}

/** 1st, 2nd, 3rd, 4th, 11th, … */
export function ordinal(number: number): string {
  const tens = number % 100;
  if (tens >= 11 && tens <= 13) return `${number}th`;
  return `${number}${['th', 'st', 'nd', 'rd'][number % 10] ?? 'th'}`;
}
