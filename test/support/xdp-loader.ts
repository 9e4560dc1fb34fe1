/**
 * What tests know of Debian's `xdp-loader` and of the dispatcher of libxdp, the peer of our chains: rows of its status,
 * the configuration of a dispatcher, and the verdict of a chain as libxdp's protocol defines it. Written apart from `src/chain`,
 * which is compared with it.
 */

/** One program of `xdp-loader status`. */
export interface PeerProgram {
  readonly name: string;
  readonly id: number;
  readonly tag: string;
}

export interface PeerMember extends PeerProgram {
  readonly priority: number;
  /** `XDP_PASS`, … */
  readonly actions: readonly string[];
}

/** One interface of `xdp-loader status`. */
export interface PeerStatus {
  readonly interface: string;
  /** Null where there is none. */
  readonly program: (PeerProgram & { readonly mode: string }) | null;
  readonly members: readonly PeerMember[];
}

/** What `xdp-loader status` prints before its rows. */
export const STATUS_HEAD = `CURRENT XDP PROGRAM STATUS:

Interface        Prio  Program name      Mode     ID   Tag               Chain actions
--------------------------------------------------------------------------------------
`;

const NOTHING = /^(\S+) +<No XDP program loaded!>$/;
const PROGRAM = /^(\S+) +(\S+) +(native|skb|hw|unspecified) +(\d+) +([0-9a-f]{16}) *$/;
const MEMBER = /^ => +(\d+) +(\S+) +(\d+) +([0-9a-f]{16}) *([A-Z_,]*)$/;

/** Rows of a status by interface. Throws where a line is none of those that the tool prints. */
export function parseStatus(text: string): PeerStatus[] {
  if (!text.startsWith(STATUS_HEAD)) throw new Error(`not a status: ${text}`);
  const found: PeerStatus[] = [];
  for (const line of text.slice(STATUS_HEAD.length).trimEnd().split('\n')) addRow(found, line);
  return found;
}

function addRow(found: PeerStatus[], line: string): void {
  const [, empty] = NOTHING.exec(line) ?? [];
  if (empty !== undefined) {
    found.push({ interface: empty, program: null, members: [] });
    return;
  }
  const [, on = '', name, mode = '', id, tag = ''] = PROGRAM.exec(line) ?? [];
  if (name !== undefined) {
    found.push({ interface: on, program: { name, mode, id: Number(id), tag }, members: [] });
    return;
  }
  const [, priority, member, memberId, memberTag = '', actions = ''] = MEMBER.exec(line) ?? [];
  const last = found.pop();
  if (member === undefined || last === undefined) throw new Error(`not a row of a status: "${line}"`);
  const row = {
    priority: Number(priority),
    name: member,
    id: Number(memberId),
    tag: memberTag,
    actions: actions === '' ? [] : actions.split(','),
  };
  found.push({ ...last, members: [...last.members, row] });
}

/** Names of verdicts by number, as the tool prints them. */
export const ACTIONS = ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'] as const;

export function actionsOf(mask: number): string[] {
  return ACTIONS.filter((_, verdict) => ((mask >> verdict) & 1) === 1);
}

/** What a dispatcher function returns that no program has replaced. */
export const UNREPLACED = 31;
const PASS = 2;

/** What a packet meets in a chain. */
export interface Passage {
  readonly verdict: number;
  /** Positions of the members that ran. */
  readonly ran: readonly number[];
}

/** A set of one member runs alone; in others a verdict ends the chain unless its bit continues. Masks and verdicts by position. */
export function passThrough(masks: readonly number[], verdicts: readonly number[]): Passage {
  const ran: number[] = [];
  for (const [position, verdict] of verdicts.entries()) {
    ran.push(position);
    if (masks.length === 1 || !continues(masks[position] ?? 0, verdict)) return { verdict, ran };
  }
  return { verdict: PASS, ran };
}

/**
 * The verdict of an empty function continues whatever the mask. The number of a bit is taken modulo 64, as the code shifts 64
 * bits; the mask has 32.
 */
function continues(mask: number, verdict: number): boolean {
  const bit = verdict % 64;
  return bit < 32 && (((mask | (1 << UNREPLACED)) >>> bit) & 1) === 1;
}

/** Verdicts of ten members of which the one at `position` returns `verdict`, and the others what empty functions do. */
export function onlyAt(position: number, verdict: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => (at === position ? verdict : UNREPLACED));
}

/** The configuration of a dispatcher of version 2, in the byte order of this machine (little endian). */
export function configOfVersion2(
  members: readonly { readonly priority: number; readonly mask: number }[],
  isFrags = false,
): Uint8Array {
  const bytes = new Uint8Array(124);
  const view = new DataView(bytes.buffer);
  bytes.set([236, 2, members.length, Number(isFrags)]);
  for (const [at, { mask, priority }] of members.entries()) {
    view.setUint32(4 + 4 * at, (mask | (1 << UNREPLACED)) >>> 0, true);
    view.setUint32(44 + 4 * at, priority, true);
  }
  return bytes;
}
