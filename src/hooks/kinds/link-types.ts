/**
 * What the kernel's kinds of links can do: the only table for everything that updates, names or lists links.
 *
 * Source: the `bpf_link_ops` of Linux 6.18. A kind is updatable where its operations have `update_prog` or
 * `update_map`;
 * what a link was attached to is cleared in its description when it is detached, or when the target goes.
 */

import type { LinkDescription } from '../../kernel/index.ts';
import * as uapi from '../../uapi/index.ts';

export interface LinkType {
  /** Without `BPF_LINK_TYPE_`. */
  readonly name: string;
  /** The kernel can change the program (struct_ops: the map) in one step. */
  readonly updatable: boolean;
  /** What it is on, where its description shows that this, or the attachment, is gone. */
  readonly target?: 'interface' | 'cgroup' | 'network namespace' | 'map of sockets' | 'registration';
  /** Words of the link info that are 0 then. */
  readonly words?: number;
}

type Abilities = Omit<LinkType, 'name'>;

const updatable = (target?: LinkType['target'], words = 1): Abilities =>
  target === undefined ? { updatable: true } : { updatable: true, target, words };
const FIXED: Abilities = { updatable: false };

const ABILITIES: Readonly<Record<uapi.LinkTypeNumber, Abilities>> = {
  [uapi.BPF_LINK_TYPE_UNSPEC]: FIXED,
  [uapi.BPF_LINK_TYPE_RAW_TRACEPOINT]: FIXED,
  [uapi.BPF_LINK_TYPE_TRACING]: FIXED,
  [uapi.BPF_LINK_TYPE_CGROUP]: updatable('cgroup', 2),
  [uapi.BPF_LINK_TYPE_ITER]: updatable(),
  [uapi.BPF_LINK_TYPE_NETNS]: updatable('network namespace'),
  [uapi.BPF_LINK_TYPE_XDP]: updatable('interface'),
  [uapi.BPF_LINK_TYPE_PERF_EVENT]: FIXED,
  [uapi.BPF_LINK_TYPE_KPROBE_MULTI]: FIXED,
  [uapi.BPF_LINK_TYPE_STRUCT_OPS]: updatable('registration'),
  [uapi.BPF_LINK_TYPE_NETFILTER]: FIXED,
  [uapi.BPF_LINK_TYPE_TCX]: updatable('interface'),
  [uapi.BPF_LINK_TYPE_UPROBE_MULTI]: FIXED,
  [uapi.BPF_LINK_TYPE_NETKIT]: updatable('interface'),
  [uapi.BPF_LINK_TYPE_SOCKMAP]: updatable('map of sockets'),
};

/** Types that are newer than the table of names have their number as name, and are not updatable. */
export function linkType(number: number): LinkType {
  const name = uapi.rowOfLinkType(uapi.LINK_TYPE_NAMES, number) ?? `link type ${number}`;
  return { name, ...(uapi.rowOfLinkType(ABILITIES, number) ?? FIXED) };
}

/** As tools show it: `xdp`, `perf_event`. */
export function linkTypeName(number: number): string {
  return number === uapi.BPF_LINK_TYPE_UNSPEC ? 'unspecified' : linkType(number).name.toLowerCase();
}

export function isStructOps({ type }: LinkDescription): boolean {
  return type === uapi.BPF_LINK_TYPE_STRUCT_OPS;
}

/** Why nothing is attached any more, by what the kernel reports of the link; undefined while something is. */
export function endOf({ type, words }: LinkDescription): string | undefined {
  const { target, words: count = 0 } = linkType(type);
  if (target === undefined || words.slice(0, count).some(word => word !== 0)) return undefined;
  return target === 'registration' ? 'it was detached' : `it was detached, or its ${target} is gone`;
}

/**
 * Id of what a link runs: of a program, or of the map of struct_ops; undefined where the kernel reports none.
 */
export function occupantOf(link: LinkDescription): number | undefined {
  const id = isStructOps(link) ? link.words[0] : link.programId;
  return id === 0 ? undefined : id;
}

/** A hook of an interface, as a link's description has it. */
export interface LinkInterface {
  readonly kind: 'XDP' | 'TCX' | 'NETKIT';
  readonly ifindex: number;
  readonly attachType: number;
}

/** Where on which interface; undefined for links that are not, or no longer, on an interface. */
export function interfaceOf({ type, words }: LinkDescription): LinkInterface | undefined {
  const { name } = linkType(type);
  const [ifindex, attachType] = words;
  if (ifindex === 0 || (name !== 'XDP' && name !== 'TCX' && name !== 'NETKIT')) return undefined;
  return { kind: name, ifindex, attachType };
}

/** As messages name it: `interface "v0" ingress`. `name` is in quotes. */
export function interfacePlace({ kind, attachType }: LinkInterface, name: string): string {
  switch (kind) {
    case 'XDP':
      return `interface ${name}`;
    case 'TCX':
      return `interface ${name} ${attachType === uapi.BPF_TCX_INGRESS ? 'ingress' : 'egress'}`;
    case 'NETKIT':
      return `netkit ${name} (${attachType === uapi.BPF_NETKIT_PRIMARY ? 'primary' : 'peer'})`;
  }
}
