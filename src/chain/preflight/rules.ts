/**
 * Rules of kernels and drivers about chains: what would make a chain fail, known before anything is built. Pure.
 *
 * A rule that is certain gives a problem. One that depends on the driver, or on a release that distributions
 * change, gives a note: the kernel decides, and its message comes with the failure.
 */

import { given } from '../../bytes/index.ts';
import {
  counted,
  type Problem,
  type ProblemCode,
  problem,
  quote,
  quoteAll,
  shellWord,
} from '../../diag/index.ts';
import { type FeatureAnswer, MOUNT_BPFFS, type XdpMode } from '../../kernel/index.ts';
import { spellHook } from '../engine/index.ts';
import type { ChainBackEnd, ChainDesign, ChainState } from '../model/index.ts';
import type { KernelRelease, LoadedFacts, PreflightFacts } from './facts.ts';
import type { MemberEffects } from './members.ts';
import { describeOwner, type HookOwner } from './owners.ts';

/** A chain that is to be built. */
export interface PreflightRequest {
  /** What is on the hook. */
  readonly before: ChainState;
  readonly design: ChainDesign;
  readonly via: ChainBackEnd;
  /** As requested; null: that of what is attached, else the kernel's choice. */
  readonly mode: XdpMode | null;
  /** A program that is not a chain is replaced. */
  readonly force: boolean;
  /** A program that is not a chain becomes a member. */
  readonly adopt: boolean;
}

/** What a rule looks at. */
export interface Checked extends PreflightRequest {
  readonly facts: PreflightFacts;
  readonly members: readonly MemberEffects[];
  /** Mode in which the chain will run, as far as it is known. */
  readonly expectedMode: XdpMode;
  /** For messages: `interface "eth0"`. */
  readonly place: string;
}

/** What rules find. */
export interface Findings {
  readonly problems: readonly Problem[];
  /** One sentence each. */
  readonly notes: readonly string[];
}

export type Rule = (checked: Checked) => Findings;

const NOTHING: Findings = { problems: [], notes: [] };

function refuse(
  { place }: Checked,
  code: ProblemCode,
  message: string,
  hint: string,
  details?: string[],
): Findings {
  return { problems: [problem(code, [place], message, { hint, ...given({ details }) })], notes: [] };
}

function note(...notes: readonly string[]): Findings {
  return { problems: [], notes };
}

function all(...findings: readonly Findings[]): Findings {
  return {
    problems: findings.flatMap(({ problems }) => problems),
    notes: findings.flatMap(({ notes }) => notes),
  };
}

// --- rights and places for pins -----------------------------------------------------------------------------------

export const rights: Rule = checked => {
  const { bpf, netAdmin, sysAdmin } = checked.facts.rights;
  const missing = [
    ...(bpf ? [] : ['CAP_BPF']),
    ...(netAdmin ? [] : ['CAP_NET_ADMIN']),
    ...(sysAdmin || checked.via !== 'libxdp' ? [] : ['CAP_SYS_ADMIN']),
  ];
  if (missing.length === 0) return NOTHING;
  return refuse(
    checked,
    'kernel-no-rights',
    `this process may not build the chain: ${missing.join(' and ')} missing`,
    `run as root, or give the process ${missing.join(', ')}`,
  );
};

export const bpffs: Rule = checked =>
  all(
    ...checked.facts.pins
      .filter(({ isBpffs }) => !isBpffs)
      .map(({ path }) =>
        refuse(
          checked,
          'store-no-bpffs',
          `${quote(path)} is not on a bpf file system`,
          `${MOUNT_BPFFS}; "ip netns exec" hides the one that is mounted, "nsenter --net=/run/netns/NAME" does not`,
        ),
      ),
  );

// --- back ends ----------------------------------------------------------------------------------------------------

/** Slots of a dispatcher of libxdp. */
export const LIBXDP_SLOTS = 10;
/** Name of their programs. */
const DISPATCHER = 'xdp_dispatcher';
/** Programs that the kernel runs on one tcx hook. */
const TCX_PROGRAMS = 63;

export const slots: Rule = checked => {
  const limits = { libxdp: LIBXDP_SLOTS, tcx: TCX_PROGRAMS, static: Number.POSITIVE_INFINITY };
  const { length } = checked.design.members;
  const limit = limits[checked.via];
  if (length <= limit) return NOTHING;
  const found = checked.before.members.length;
  return refuse(
    checked,
    'chain-slots',
    `the chain would have ${counted(length, 'member')}, and --via ${checked.via} allows ${limit} (now: ${found})`,
    'unload a member first, or build it with --via static, which has no limit',
  );
};

export const backEnd: Rule = checked => {
  const { replacement, tcx } = checked.facts;
  return all(
    ...lacks(checked, replacement, 'the kernel does not replace functions of programs (freplace)'),
    ...lacks(checked, tcx, 'the kernel has no tcx (since Linux 6.6)'),
  );
};

function lacks(checked: Checked, answer: FeatureAnswer | null, what: string): Findings[] {
  if (answer === null || answer.state === 'yes') return [];
  const why = answer.state === 'unknown' ? `: ${answer.reason}` : '';
  return [refuse(checked, 'chain-back-end', `--via ${checked.via}: ${what}${why}`, 'use --via static')];
}

// --- what is attached ---------------------------------------------------------------------------------------------

export const owner: Rule = checked => {
  const { before, force, adopt, facts } = checked;
  if (before.kind !== 'foreign') return NOTHING;
  return all(
    ...facts.owners.map(found =>
      found.linkId !== null || !(force || adopt) ? foreign(checked, found) : adoption(checked, found),
    ),
  );
};

/** A member calls an adopted program through an array, which the kernel refuses for one with replaced functions. */
function adoption(checked: Checked, { name, programId }: HookOwner): Findings {
  if (!checked.adopt || name !== DISPATCHER) return NOTHING;
  return refuse(
    checked,
    'chain-tail-call',
    `program ${programId} is a dispatcher that rootlet cannot read (of bpfman, or with pins that are missing), and cannot be called by a chain`,
    'unload it with the tool that attached it; --force replaces it, and its members end',
  );
}

function foreign(checked: Checked, found: HookOwner): Findings {
  const { programId, name, linkId, mode } = found;
  const what = `program ${programId}${name === '' ? '' : ` (${quote(name)})`}`;
  return refuse(
    checked,
    'chain-foreign',
    `${what} is attached${mode === null ? '' : ` in mode ${mode}`}, which is not a chain`,
    linkId === null
      ? '--adopt makes it the first member of the chain; --force replaces it'
      : `a program of a link is not replaced over netlink: end it with ${enderOf(found)}, or with "bpftool link detach id ${linkId}"`,
    describeOwner(found),
  );
}

/** An entry of this store has a command of its own. */
function enderOf({ attachment }: HookOwner): string {
  return attachment === null ? 'its owner' : `"rootlet detach ${shellWord(attachment)}"`;
}

/** Since when the kernel refuses programs below an interface that has one, as both would run. */
const UPPER_RULE = [5, 15] as const;

export const uppers: Rule = checked => {
  const { facts, before } = checked;
  if (before.hook.kind !== 'xdp' || isBefore(facts.kernel, UPPER_RULE)) return NOTHING;
  return all(
    ...facts.uppers.flatMap(({ name, xdp }) => {
      const id = Object.values(xdp).find(program => program !== 0);
      return id === undefined ? [] : [belowProgram(checked, name, id)];
    }),
  );
};

function belowProgram(checked: Checked, upper: string, id: number): Findings {
  return refuse(
    checked,
    'chain-upper',
    `interface ${quote(upper)} above it has XDP program ${id}; the kernel changes nothing below an interface that has one`,
    `load the chain on ${quote(upper)}, or unload what is there`,
  );
}

// --- modes --------------------------------------------------------------------------------------------------------

/** Kinds of interfaces without XDP in a driver, for kernels that do not report features. */
const GENERIC_ONLY: ReadonlySet<string> = new Set([
  ...['loopback', 'dummy', 'bridge', 'vlan', 'macvlan', 'ipvlan', 'vxlan', 'geneve', 'gre', 'gretap', 'ipip'],
  ...['sit', 'wireguard', 'vrf', 'ifb', 'nlmon'],
]);

/** Whether the driver runs XDP; null where that is not known. */
export function runsNative({ features, interface: { kind } }: PreflightFacts): boolean | null {
  // of a bond these are what its ports have in common, none while it has no ports
  if (features !== null && (kind !== 'bond' || features.features.NETDEV_XDP_ACT_BASIC))
    return features.features.NETDEV_XDP_ACT_BASIC;
  return GENERIC_ONLY.has(kind) ? false : null;
}

const MODE_WORDS = { native: 'native', generic: 'skb', offload: 'hw' } as const;

export const mode: Rule = checked => {
  const { mode: wanted, facts } = checked;
  if (checked.before.hook.kind !== 'xdp') return NOTHING;
  const clash = modeClash(checked.before, wanted);
  if (clash !== undefined) return { problems: [clash], notes: [] };
  if (wanted === 'offload')
    return refuse(
      checked,
      'chain-mode',
      'a chain does not run on the card: programs for mode hw are loaded for one device, which rootlet does not do',
      '--mode native runs it in the driver',
    );
  if (wanted !== 'native' || runsNative(facts) !== false) return NOTHING;
  const driver = facts.driver.driver ?? facts.interface.kind;
  return refuse(
    checked,
    'chain-mode',
    `the driver (${driver}) does not run XDP in mode native`,
    '--mode skb runs it in the network stack, on every interface',
  );
};

/** What is attached stays in its mode. Undefined when that is as wanted. */
export function modeClash(
  { hook, mode: now, program }: ChainState,
  wanted: XdpMode | null,
): Problem | undefined {
  if (now === null || wanted === null || wanted === now) return undefined;
  const what = program === null ? 'a program' : `program ${program.id} (${quote(program.name)})`;
  return problem(
    'chain-mode',
    [spellHook(hook)],
    `${what} is attached in mode ${MODE_WORDS[now]}, not ${MODE_WORDS[wanted]}; only one of them is possible at a time`,
    {
      hint: `leave out --mode, or unload what is there first: rootlet xdp unload ${shellWord(hook.interface)} --all`,
    },
  );
}

// --- large packets ------------------------------------------------------------------------------------------------

/** Bytes before a packet for XDP (XDP_PACKET_HEADROOM). */
const HEADROOM = 256;
/** Bytes after a packet for the kernel's own use (struct skb_shared_info, aligned to a cache line). */
const SHARED_INFO = 320;
const ETHERNET_HEADER = 14;

/** Largest MTU with packets in one buffer, of drivers that use a page for each packet. */
export function onePageMtu(bytes: number): number {
  return bytes - HEADROOM - SHARED_INFO - ETHERNET_HEADER;
}

export const mtu: Rule = checked => {
  const { facts, expectedMode, members } = checked;
  if (checked.before.hook.kind !== 'xdp' || expectedMode !== 'native') return NOTHING;
  const without = members.filter(({ frags }) => frags !== true);
  if (without.length === 0) return fragsSupport(checked);
  const why = `the chain is not xdp.frags, because ${quoteAll(without.map(({ name }) => name))} ${
    without.length === 1 ? 'is' : 'are'
  } not`;
  const limit = onePageMtu(facts.pageSize);
  return facts.interface.kind === 'veth' ? vethMtu(checked, limit, why) : driverMtu(checked, limit, why);
};

/** veth compares the MTU of the other end, from which the packets come. */
function vethMtu(checked: Checked, limit: number, why: string): Findings {
  const { other, interface: own } = checked.facts;
  const end = other ?? own;
  if (end.mtu <= limit) return NOTHING;
  const whose = other === null ? 'its MTU' : `the MTU of its other end ${quote(other.name)}`;
  return refuse(
    checked,
    'chain-mtu',
    `${whose} is ${end.mtu}, larger than ${limit}: the driver (veth) refuses it; ${why}`,
    `ip link set dev ${shellWord(end.name)} mtu ${limit}; or build the members with SEC("xdp.frags"); or --mode skb`,
  );
}

/** Other drivers have limits of their own. */
function driverMtu({ facts, place }: Checked, limit: number, why: string): Findings {
  const { mtu: own } = facts.interface;
  if (own <= limit) return NOTHING;
  const driver = facts.driver.driver ?? facts.interface.kind;
  const never = facts.features?.features.NETDEV_XDP_ACT_RX_SG === false;
  const way = never
    ? 'this driver does not take xdp.frags either'
    : 'SEC("xdp.frags") for all members lifts it';
  return note(
    `${place}: MTU ${own} is larger than a buffer of most drivers (${limit}), and ${why}: the driver (${driver}) may refuse it; ${way}, and a smaller MTU or --mode skb always works`,
  );
}

function fragsSupport(checked: Checked): Findings {
  if (checked.facts.frags.state !== 'no') return NOTHING;
  return refuse(
    checked,
    'chain-mtu',
    'all members are xdp.frags, which this kernel does not have (since Linux 5.18)',
    'build them with SEC("xdp")',
  );
}

/** Drivers that merge packets may have to stop that first. */
export const merging: Rule = ({ facts, expectedMode, before, place }) =>
  before.hook.kind === 'xdp' && expectedMode === 'native' && facts.driver.largeReceive === true
    ? note(
        `${place}: large receive offload is on, with which some drivers refuse XDP: ethtool -K ${facts.interface.name} lro off`,
      )
    : NOTHING;

// --- what members do ----------------------------------------------------------------------------------------------

function isBefore(
  { major, minor }: KernelRelease,
  [otherMajor, otherMinor]: readonly [number, number],
): boolean {
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

/** Since when tail calls work in functions that are called, by processor (as `process.arch`). */
const MIXED_TAIL_CALLS: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['x64', [5, 10]],
  ['arm64', [6, 0]],
]);

export const tailCalls: Rule = checked => {
  const { via, facts, members } = checked;
  const calling = members.filter(member => member.tailCalls).map(({ name }) => name);
  switch (via) {
    case 'tcx':
      return NOTHING;
    case 'libxdp':
      return all(heldMembers(checked), release(facts.kernel, calling, [6, 2], 'a replacement'));
    case 'static': {
      const since = MIXED_TAIL_CALLS.get(facts.architecture);
      if (since !== undefined) return release(facts.kernel, calling, since, 'a function that is called');
      return calling.length === 0
        ? NOTHING
        : note(
            `${quoteAll(calling)}: tail calls in a function that is called are not possible on every processor`,
          );
    }
  }
};

/** Only a note: distributions add features to older releases. */
function release(
  kernel: KernelRelease,
  calling: readonly string[],
  since: readonly [number, number],
  where: string,
): Findings {
  if (calling.length === 0 || !isBefore(kernel, since)) return NOTHING;
  return note(
    `${quoteAll(calling)}: tail calls in ${where} need Linux ${since.join('.')} (this is ${kernel.text}): the kernel may refuse the chain`,
  );
}

/** A replacement cannot be in a program array. */
function heldMembers(checked: Checked): Findings {
  const held = checked.members.filter(({ isHeld }) => isHeld);
  return all(
    ...held.map(({ name, program }) =>
      refuse(
        checked,
        'chain-tail-call',
        `member ${quote(name)}: program ${quote(program)} is in a program array of its file, and a replacement cannot be`,
        'take it out of the array, or use --via static',
      ),
    ),
  );
}

/** First releases that compare a replacement with its function; 6.12 has it since a stable release. */
const PACKET_RULE = [6, 12] as const;

export const packetChanges: Rule = ({ via, facts, members, place }) => {
  const changing = members.filter(({ changesPacket }) => changesPacket !== null).map(({ name }) => name);
  if (via !== 'libxdp' || changing.length === 0 || isBefore(facts.kernel, PACKET_RULE)) return NOTHING;
  return note(
    `${place}: ${quoteAll(changing)} may change packets; on this kernel (${facts.kernel.text}) tools with libxdp before 1.5.5 cannot change a chain with such members (they see and unload it)`,
  );
};

export const deviceBinding: Rule = checked => {
  const reading = checked.members.filter(({ metadata }) => metadata.length > 0);
  return all(
    ...checked.facts.loaded.flatMap(program => boundRefusal(checked, program)),
    ...reading.map(({ name, metadata }) =>
      note(
        `${quote(name)} calls ${metadata.join(', ')}, which only programs may that are bound to a device when they are loaded; rootlet does not bind them: the kernel refuses it unless a constant makes the call dead code`,
      ),
    ),
  );
};

/** Of a program that another tool loaded: those that are loaded here are bound to no device. */
function boundRefusal(checked: Checked, { id, ifindex }: LoadedFacts): Findings[] {
  const { via, before } = checked;
  if (ifindex === 0) return [];
  const refused = (rule: string, hint: string) => [
    refuse(checked, 'chain-device', `program ${id} is bound to interface ${ifindex}, ${rule}`, hint),
  ];
  if (ifindex !== before.hook.ifindex)
    return refused('and runs on no other one', 'load its file for this interface');
  if (via !== 'libxdp') return [];
  return refused(
    'and only a dispatcher that is bound to it as well has a slot for the program; rootlet does not bind programs',
    'change the chain with the tool that built it, or replace the member by its file',
  );
}
