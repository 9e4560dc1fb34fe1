/**
 * Options of `xdp` and `tc`, with the names and letters of xdp-loader where it has the same thing: there `-P 0` and an
 * empty `-A` are as good as none.
 */

import { given } from '../../src/bytes/index.ts';
import type { ChainBackEnd, ChainKind } from '../../src/chain/index.ts';
import { available, quote, usageError } from '../../src/diag/index.ts';
import type { Sys, XdpMode } from '../../src/kernel/index.ts';
import { openKernelTypes } from '../../src/load/index.ts';
import { verdictWords } from '../../src/object/index.ts';
import { bpffsMountOf, type Store } from '../../src/store/index.ts';
import { PROGRAM_TYPE } from '../format/chain-table.ts';
import { words } from './components.ts';
import { listFlag } from './edit.ts';
import { off, text } from './kinds.ts';
import { type LimitFlags, LOAD_LIMITS, parseLimits } from './limits.ts';
import { LOAD_FLAGS, readConfiguration, STORE_FLAGS, type StoreFlags } from './loading.ts';
import { type LoadOptimizeFlags, loadOptimizeFlags } from './optimize.ts';

// --- values -------------------------------------------------------------------------------------------------------

/** `unspecified`: the kernel chooses. */
export type GivenMode = XdpMode | 'unspecified';

/** Words for modes: those of xdp-loader, and those of `rootlet attach`. */
const MODES: ReadonlyMap<string, GivenMode> = new Map([
  ['native', 'native'],
  ['skb', 'generic'],
  ['hw', 'offload'],
  ['unspecified', 'unspecified'],
  ['generic', 'generic'],
  ['offload', 'offload'],
]);

/** Throws for another word. */
export function parseMode(word: string): GivenMode {
  const mode = MODES.get(word.toLowerCase());
  if (mode !== undefined) return mode;
  throw new Error(`${quote(word)} is not a mode; ${available('there are', MODES.keys())}`);
}

const MAX_PRIORITY = 2 ** 31 - 1;

/** 0 stands for that of the file, as with xdp-loader. Throws for what is not a priority. */
export function parsePriority(word: string): number {
  const number = Number(word);
  if (!/^\d+$/.test(word) || number > MAX_PRIORITY)
    throw new Error(`${quote(word)} is not a whole number from 0 to ${MAX_PRIORITY}`);
  return number;
}

/** Verdicts as given. */
export interface GivenVerdicts {
  /** Null: those of the file. */
  readonly words: readonly string[] | null;
}

/** An empty list stands for those of the file, as with xdp-loader. */
export function parseVerdicts(list: string): GivenVerdicts {
  const found = words(list.replaceAll(' ', ''));
  return { words: found.length === 0 ? null : withoutNone(found) };
}

/** `none` is the list without verdicts. */
export function withoutNone(verdicts: readonly string[]): readonly string[] {
  const [only, other] = verdicts;
  return other === undefined && only?.toLowerCase() === 'none' ? [] : verdicts;
}

/** The id of a program. Throws for what is none. */
export function parseId(word: string): number {
  const number = Number(word);
  if (/^\d+$/.test(word) && number > 0 && number < 2 ** 32) return number;
  throw new Error(`${quote(word)} is not the id of a program`);
}

// --- members ------------------------------------------------------------------------------------------------------

/** What is given for all members of the command line. */
export interface MemberFlags extends LimitFlags {
  readonly prio?: number;
  readonly on?: GivenVerdicts;
  readonly prog?: string;
  readonly section?: string;
  readonly set?: readonly string[];
  readonly maxEntries?: readonly string[];
  readonly type?: readonly string[];
}

/** Letters of xdp-loader for `MEMBER_FLAGS` and `CHAIN_FLAGS`. */
export const MEMBER_ALIASES = {
  P: 'prio',
  A: 'on',
  n: 'prog',
  s: 'section',
  p: 'pinPath',
  v: 'verbose',
  O: 'optimize',
} as const;

export function memberFlags(kind: ChainKind) {
  const verdicts = verdictWords(PROGRAM_TYPE[kind]).join(', ');
  return {
    prio: {
      kind: 'parsed',
      parse: parsePriority,
      optional: true,
      brief: 'Run at this place: lower priorities run first (0, default: as the file specifies, else 50)',
      placeholder: 'N',
    },
    on: {
      kind: 'parsed',
      parse: parseVerdicts,
      optional: true,
      brief: `Run the next member after these verdicts (default: as the file specifies, else as on the hook): ${verdicts}; none`,
      placeholder: 'VERDICT,...',
    },
    prog: { ...text, brief: 'Use the program NAME of each file', placeholder: 'NAME' },
    section: { ...text, brief: 'Use the program in this section of each file', placeholder: 'SECTION' },
    set: listFlag('[MEMBER:]VAR=VALUE', 'Set a variable or constant of a member; the setting persists'),
    maxEntries: listFlag('[MEMBER:]MAP=N', 'Override max_entries of a map of a member; the setting persists'),
    type: LOAD_FLAGS.type,
    limits: LOAD_FLAGS.limits,
  } as const;
}

// --- changes ------------------------------------------------------------------------------------------------------

/** What every command that changes a chain takes. */
export interface ChangeFlags extends StoreFlags {
  readonly dryRun: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
}

export const CHANGE_FLAGS = {
  dryRun: { ...off, brief: 'Print what would be done, and change nothing' },
  verbose: { ...off, brief: 'Also list new maps and constants' },
  ...STORE_FLAGS,
  json: { ...off, brief: 'Output JSON' },
} as const;

/** How a chain is built and loaded. */
export interface BuildFlags extends LoadOptimizeFlags, LimitFlags {
  readonly via?: ChainBackEnd;
  readonly failClosed?: boolean;
  readonly counters?: boolean;
  readonly fresh?: readonly string[];
  readonly pinPath?: string;
  readonly btf?: string;
  readonly kconfig?: string;
}

const BACK_ENDS: Readonly<Record<ChainKind, readonly ChainBackEnd[]>> = {
  xdp: ['libxdp', 'static'],
  tc: ['tcx', 'static'],
};

export function buildFlags(kind: ChainKind) {
  return {
    via: {
      kind: 'enum',
      values: BACK_ENDS[kind],
      optional: true,
      brief: 'Back end that builds the chain from now on (default: as it is, else what the kernel offers)',
    },
    failClosed: {
      kind: 'boolean',
      optional: true,
      brief: 'Drop packets that reach a member which is lost by accident (default: as it is, else pass them)',
    },
    counters: {
      kind: 'boolean',
      optional: true,
      brief:
        'Build members with counters, which "rootlet top" switches on (default: as it is, else with them)',
    },
    ...loadOptimizeFlags('as it is, else -O1'),
    fresh: listFlag(
      'NAME,…',
      'Reset members, maps, sections or variables to their initial contents (*: all)',
    ),
    pinPath: {
      ...text,
      brief: 'Pin maps that specify pinning in this directory (default: mount point of the bpf file system)',
      placeholder: 'DIR',
    },
    btf: LOAD_FLAGS.btf,
    kconfig: LOAD_FLAGS.kconfig,
  } as const;
}

/** Of XDP. */
export interface ModeFlags {
  readonly mode?: GivenMode;
}

export const MODE_FLAG = {
  kind: 'parsed',
  parse: parseMode,
  optional: true,
  brief: 'XDP mode: native, skb, hw or unspecified (default: as it is, else the kernel chooses)',
  placeholder: 'MODE',
} as const;

/** Options of the loader. A requested file must exist, even if no member needs it. */
export function loadOptions(sys: Sys, store: Store, flags: BuildFlags) {
  const { pinPath, btf, kconfig } = flags;
  const limits = parseLimits(flags, LOAD_LIMITS);
  const kernelTypes = openKernelTypes(sys, btf, limits);
  if (btf !== undefined) kernelTypes.vmlinux();
  return {
    kernelTypes,
    pinRoot: pinPath ?? bpffsMountOf(store.root),
    ...given({ limits, kconfig: kconfig === undefined ? undefined : readConfiguration(kconfig) }),
  };
}

// --- directions ---------------------------------------------------------------------------------------------------

/** Of TC. */
export interface DirectionFlags {
  readonly ingress: boolean;
  readonly egress: boolean;
}

export const DIRECTION_FLAGS = {
  ingress: { ...off, brief: 'The hook of incoming packets (default)' },
  egress: { ...off, brief: 'The hook of outgoing packets' },
} as const;

/** Throws `attach-direction`. */
export function directionOf(
  kind: ChainKind,
  { ingress, egress }: Partial<DirectionFlags>,
): 'ingress' | 'egress' | null {
  if (kind === 'xdp') return null;
  if (ingress === true && egress === true)
    throw usageError('attach-direction', 'give --ingress or --egress, not both');
  return egress === true ? 'egress' : 'ingress';
}
