/**
 * What is known about network interfaces: MTU, kind, state, neighbours, and the XDP programs on them.
 *
 * Separate from `interface.ts`, which attaching needs: these facts only explain what an attachment will meet.
 * Source: include/uapi/linux/if_link.h, if.h and if_arp.h.
 */

import { viewOf } from '../../bytes/index.ts';
import type { Sys } from '../sys/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';
import { type InterfaceInfo, linkAttributes, parseLink, requestLink, requestLinks } from './interface.ts';
import { attribute32, attributeText, parseAttributes, u32Of } from './netlink.ts';

const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_OPERSTATE = 16;
const IFLA_LINKINFO = 18;
const IFLA_NUM_RX_QUEUES = 32;
const IFLA_LINK_NETNSID = 37;
const IFLA_INFO_KIND = 1;
const IFF_UP = 1;

/** IF_OPER_…, by number. */
const OPERATING_STATES = [
  'unknown',
  'not present',
  'down',
  'lower layer down',
  'testing',
  'dormant',
  'up',
] as const;

/** ARPHRD_… of interfaces that have no kind, as `ip link` prints them. */
const HARDWARE: ReadonlyMap<number, string> = new Map([
  [1, 'ether'],
  [32, 'infiniband'],
  [512, 'ppp'],
  [772, 'loopback'],
  [65534, 'none'],
]);

/** Another interface that an interface belongs to. */
export interface OtherInterface {
  readonly index: number;
  /** Number that the namespace of this interface has for that of the other one; null for the same one. */
  readonly netnsId: number | null;
}

/** A network interface of one network namespace. */
export interface InterfaceFacts extends InterfaceInfo {
  /** Bytes of a packet without the header of its link. */
  readonly mtu: number;
  /** `veth`, `bridge`, `bond`, …; for those without a kind that of the hardware: `ether`, `loopback`, … */
  readonly kind: string;
  /** Whether it is switched on. */
  readonly isUp: boolean;
  readonly state: (typeof OPERATING_STATES)[number];
  /** The other end of a veth or netkit pair, or the interface below a VLAN, …; null without one. */
  readonly other: OtherInterface | null;
  /** Index of the bridge or bond that it is a port of; null without one. */
  readonly master: number | null;
  /** Receive queues that it may have. */
  readonly receiveQueues: number;
}

/** An interface of the current network namespace. Throws `kernel-no-interface`, `kernel-interface`. */
export function readInterfaceFacts(sys: Sys, nameOrIndex: string | number): InterfaceFacts {
  return parseFacts(requestLink(sys, nameOrIndex));
}

/**
 * The interface that `facts.other` names, in whatever network namespace it is; undefined without one. Throws
 * `kernel-interface` where the kernel does not show it (before Linux 4.20, or without CAP_NET_ADMIN there).
 */
export function readOtherInterface(sys: Sys, { other }: InterfaceFacts): InterfaceFacts | undefined {
  if (other === null) return undefined;
  return parseFacts(requestLink(sys, other.index, other.netnsId ?? undefined));
}

/** All interfaces of the current network namespace, by index. Throws `kernel-interface`. */
export function listInterfaces(sys: Sys): InterfaceFacts[] {
  return requestLinks(sys)
    .map(parseFacts)
    .sort((a, b) => a.index - b.index);
}

function parseFacts(payload: Uint8Array): InterfaceFacts {
  const attributes = linkAttributes(payload);
  const view = viewOf(payload);
  const little = HOST_ORDER === 'little';
  const flags = view.getUint32(8, little);
  return {
    ...parseLink(payload),
    mtu: u32Of(attributes, IFLA_MTU),
    kind: kindOf(attributes) ?? HARDWARE.get(view.getUint16(2, little)) ?? 'other',
    isUp: flags % 2 === IFF_UP,
    state: OPERATING_STATES.find((_, number) => number === attributes.get(IFLA_OPERSTATE)?.[0]) ?? 'unknown',
    other: otherOf(attributes),
    master: attribute32(attributes, IFLA_MASTER) ?? null,
    receiveQueues: attribute32(attributes, IFLA_NUM_RX_QUEUES) ?? 1,
  };
}

function kindOf(attributes: ReadonlyMap<number, Uint8Array>): string | undefined {
  const info = attributes.get(IFLA_LINKINFO);
  return info === undefined ? undefined : attributeText(parseAttributes(info), IFLA_INFO_KIND);
}

/** Tunnels have 0 there when no interface is below. */
function otherOf(attributes: ReadonlyMap<number, Uint8Array>): OtherInterface | null {
  const index = u32Of(attributes, IFLA_LINK);
  return index === 0 ? null : { index, netnsId: attribute32(attributes, IFLA_LINK_NETNSID) ?? null };
}
