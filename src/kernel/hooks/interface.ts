/** Network interfaces: finding them by name, and the XDP programs on them (over netlink). */

import { ByteWriter, viewOf } from '../../bytes/index.ts';
import { quote, usageError } from '../../diag/index.ts';
import { EBUSY, EEXIST, ENODEV } from '../../uapi/index.ts';
import type { Sys } from '../sys/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';
import {
  encodeAttributes,
  NetlinkSocket,
  NLM_F_ACK,
  NLM_F_DUMP,
  netlinkError,
  parseAttributes,
  u32Of,
} from './netlink.ts';

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const IFINFOMSG_SIZE = 16;
const IFLA_IFNAME = 3;
const IFLA_TARGET_NETNSID = 46;
const IFLA_XDP = 43;
const IFLA_XDP_FD = 1;
const IFLA_XDP_ATTACHED = 2;
const IFLA_XDP_FLAGS = 3;
const IFLA_XDP_PROG_ID = 4;
const IFLA_XDP_DRV_PROG_ID = 5;
const IFLA_XDP_SKB_PROG_ID = 6;
const IFLA_XDP_HW_PROG_ID = 7;
const IFLA_XDP_EXPECTED_FD = 8;

export const XDP_FLAGS_UPDATE_IF_NOEXIST = 1;
export const XDP_FLAGS_SKB_MODE = 2;
export const XDP_FLAGS_DRV_MODE = 4;
export const XDP_FLAGS_HW_MODE = 8;
export const XDP_FLAGS_REPLACE = 16;

/** Where XDP runs: in the driver, in the network stack, or on the card. */
export type XdpMode = 'native' | 'generic' | 'offload';

export interface InterfaceInfo {
  readonly index: number;
  readonly name: string;
  /** Programs by mode; 0 where there is none. */
  readonly xdp: { readonly native: number; readonly generic: number; readonly offload: number };
}

/** Flag of a mode; none means that the kernel chooses: native where the driver can. */
export function xdpModeFlag(mode: XdpMode | undefined): number {
  if (mode === undefined) return 0;
  return { native: XDP_FLAGS_DRV_MODE, generic: XDP_FLAGS_SKB_MODE, offload: XDP_FLAGS_HW_MODE }[mode];
}

/**
 * An interface of the current network namespace, by name or index. Throws `kernel-no-interface`, and
 * `kernel-interface` where the kernel refuses to answer.
 */
export function readInterface(sys: Sys, nameOrIndex: string | number): InterfaceInfo {
  return parseLink(requestLink(sys, nameOrIndex));
}

/**
 * What the kernel sends about an interface. `netnsId`: number that the current network namespace has for the
 * one in which the interface is. Throws as `readInterface`.
 */
export function requestLink(sys: Sys, nameOrIndex: string | number, netnsId?: number): Uint8Array {
  using socket = NetlinkSocket.open(sys);
  const isName = typeof nameOrIndex === 'string';
  const attributes = encodeAttributes([
    ...(isName ? ([[IFLA_IFNAME, checkedName(nameOrIndex)]] as const) : []),
    ...(netnsId === undefined ? [] : ([[IFLA_TARGET_NETNSID, netnsId]] as const)),
  ]);
  const header = linkHeader(isName ? 0 : nameOrIndex);
  const answer = socket.request(RTM_GETLINK, 0, Uint8Array.from([...header, ...attributes]));
  if (answer.kind === 'refused') {
    if (answer.errno === ENODEV) throw noInterface(nameOrIndex);
    throw netlinkError('kernel-interface', `looking up interface ${quote(String(nameOrIndex))}`, answer);
  }
  const [message] = answer.messages;
  if (message === undefined) throw noInterface(nameOrIndex);
  return message.payload;
}

/** What the kernel sends about each interface of the current network namespace. Throws `kernel-interface`. */
export function requestLinks(sys: Sys): Uint8Array[] {
  using socket = NetlinkSocket.open(sys);
  const answer = socket.request(RTM_GETLINK, NLM_F_DUMP, linkHeader(0));
  if (answer.kind === 'refused') throw netlinkError('kernel-interface', 'listing the interfaces', answer);
  return answer.messages.filter(({ type }) => type === RTM_NEWLINK).map(({ payload }) => payload);
}

const NOTHING = new Uint8Array(0);
const MAX_NAME = 15;

function checkedName(name: string): string {
  if (name !== '' && name.length <= MAX_NAME && !name.includes('/') && !name.includes('\0')) return name;
  throw noInterface(name);
}

function noInterface(nameOrIndex: string | number) {
  return usageError('kernel-no-interface', `there is no network interface ${quote(String(nameOrIndex))}`, {
    hint: '"ip link" lists them; interfaces of other network namespaces are not visible here',
  });
}

function linkHeader(index: number): Uint8Array {
  const writer = new ByteWriter(HOST_ORDER, IFINFOMSG_SIZE);
  writer.u32(0); // family, padding, type
  writer.u32(index);
  writer.u32(0);
  writer.u32(0);
  return writer.finish().slice();
}

/** Attributes of what `requestLink` gives. */
export function linkAttributes(payload: Uint8Array): ReadonlyMap<number, Uint8Array> {
  return parseAttributes(payload.subarray(IFINFOMSG_SIZE));
}

/** The part that attaching needs of what `requestLink` gives. */
export function parseLink(payload: Uint8Array): InterfaceInfo {
  const attributes = linkAttributes(payload);
  const xdp = parseAttributes(attributes.get(IFLA_XDP) ?? NOTHING);
  const name = attributes.get(IFLA_IFNAME) ?? NOTHING;
  const attached = xdp.get(IFLA_XDP_ATTACHED)?.[0] ?? 0;
  const only = u32Of(xdp, IFLA_XDP_PROG_ID);
  // Mode 1 driver, 2 generic, 3 hardware, 4 several; kernels before 4.20 give only the one id.
  return {
    index: viewOf(payload).getInt32(4, HOST_ORDER === 'little'),
    name: new TextDecoder().decode(name.subarray(0, Math.max(0, name.indexOf(0)))),
    xdp: {
      native: u32Of(xdp, IFLA_XDP_DRV_PROG_ID) || (attached === 1 ? only : 0),
      generic: u32Of(xdp, IFLA_XDP_SKB_PROG_ID) || (attached === 2 ? only : 0),
      offload: u32Of(xdp, IFLA_XDP_HW_PROG_ID) || (attached === 3 ? only : 0),
    },
  };
}

export interface SetXdpOptions {
  readonly mode?: XdpMode;
  /** Only if this program is attached now; -1: only if none is. Throws `kernel-xdp-changed` otherwise. */
  readonly expectedFd?: number;
}

/**
 * Sets (or with fd -1 removes) the XDP program of an interface, the way of kernels before 5.9. Throws
 * `kernel-xdp`.
 */
export function setXdp(sys: Sys, ifindex: number, fd: number, options: SetXdpOptions = {}): void {
  const { expectedFd } = options;
  const onlyIfNone = expectedFd === -1 ? XDP_FLAGS_UPDATE_IF_NOEXIST : 0;
  const replaces = expectedFd !== undefined && expectedFd >= 0;
  const flags = xdpModeFlag(options.mode) + onlyIfNone + (replaces ? XDP_FLAGS_REPLACE : 0);
  const attributes = encodeAttributes([
    [
      IFLA_XDP,
      [
        [IFLA_XDP_FD, fd < 0 ? 0xffffffff : fd],
        [IFLA_XDP_FLAGS, flags],
        ...(replaces ? ([[IFLA_XDP_EXPECTED_FD, expectedFd]] as const) : []),
      ],
    ],
  ]);
  const socket = NetlinkSocket.open(sys);
  try {
    const answer = socket.request(
      RTM_SETLINK,
      NLM_F_ACK,
      Uint8Array.from([...linkHeader(ifindex), ...attributes]),
    );
    if (answer.kind === 'ok') return;
    const changed = expectedFd !== undefined && (answer.errno === EEXIST || answer.errno === EBUSY);
    throw netlinkError(
      changed ? 'kernel-xdp-changed' : 'kernel-xdp',
      `setting XDP on interface ${ifindex}`,
      answer,
    );
  } finally {
    socket.close();
  }
}
