/**
 * What a driver can do with XDP, as it declares over generic netlink (family `netdev`, since Linux 6.3).
 * Source: Documentation/netlink/specs/netdev.yaml, include/uapi/linux/netdev.h and genetlink.h.
 */

import { ByteWriter, viewOf } from '../../bytes/index.ts';
import { EINVAL, ENODEV, ENOENT, EOPNOTSUPP } from '../../uapi/index.ts';
import type { Sys } from '../sys/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';
import {
  type AttributeValue,
  attribute32,
  attribute64,
  encodeAttributes,
  NETLINK_GENERIC,
  NetlinkSocket,
  netlinkError,
  parseAttributes,
} from './netlink.ts';

const GENL_ID_CTRL = 16;
const GENL_HEADER_SIZE = 4;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
const NETDEV_CMD_DEV_GET = 1;
const NETDEV_A_DEV_IFINDEX = 1;
const NETDEV_A_DEV_XDP_FEATURES = 3;
const NETDEV_A_DEV_XDP_ZC_MAX_SEGS = 4;
const NETDEV_A_DEV_XDP_RX_METADATA_FEATURES = 5;

/** Names of the bits, the lowest first. */
export const XDP_FEATURES = [
  'NETDEV_XDP_ACT_BASIC',
  'NETDEV_XDP_ACT_REDIRECT',
  'NETDEV_XDP_ACT_NDO_XMIT',
  'NETDEV_XDP_ACT_XSK_ZEROCOPY',
  'NETDEV_XDP_ACT_HW_OFFLOAD',
  'NETDEV_XDP_ACT_RX_SG',
  'NETDEV_XDP_ACT_NDO_XMIT_SG',
] as const;
export type XdpFeature = (typeof XDP_FEATURES)[number];

/** Kfuncs that read what the card knows of a packet, by bits, the lowest first. */
export const XDP_METADATA = ['timestamp', 'hash', 'vlan-tag'] as const;
export type XdpMetadata = (typeof XDP_METADATA)[number];

/** What a driver can do with XDP. */
export interface XdpFeatures {
  /** Every name of `XDP_FEATURES`. */
  readonly features: Readonly<Record<XdpFeature, boolean>>;
  /** Every name of `XDP_METADATA`; null where the kernel does not report them (before Linux 6.7). */
  readonly metadata: Readonly<Record<XdpMetadata, boolean>> | null;
  /** Most buffers of a packet with AF_XDP without copies; null where the kernel does not report it. */
  readonly zeroCopySegments: number | null;
}

/**
 * What the driver of an interface of the current network namespace declares; undefined where the kernel
 * cannot report it (before Linux 6.3). Throws `kernel-interface`.
 */
export function readXdpFeatures(sys: Sys, ifindex: number): XdpFeatures | undefined {
  using socket = NetlinkSocket.open(sys, NETLINK_GENERIC);
  const family = familyNumber(socket, 'netdev');
  if (family === undefined) return undefined;
  const answer = socket.request(family, 0, message(NETDEV_CMD_DEV_GET, [[NETDEV_A_DEV_IFINDEX, ifindex]]));
  if (answer.kind === 'refused') {
    if (answer.errno === EOPNOTSUPP) return undefined; // a family without the command
    const missing = answer.errno === ENODEV ? ' (there is no such interface)' : '';
    throw netlinkError('kernel-interface', `asking for the XDP features of ${ifindex}${missing}`, answer);
  }
  const [first] = answer.messages;
  return first === undefined ? undefined : decodeFeatures(first.payload);
}

/** Features in the answer of NETDEV_CMD_DEV_GET; undefined when they are not in it. */
export function decodeFeatures(payload: Uint8Array): XdpFeatures | undefined {
  const attributes = parseAttributes(payload.subarray(GENL_HEADER_SIZE));
  const features = attribute64(attributes, NETDEV_A_DEV_XDP_FEATURES);
  if (features === undefined) return undefined;
  const metadata = attribute64(attributes, NETDEV_A_DEV_XDP_RX_METADATA_FEATURES);
  return {
    features: bits(XDP_FEATURES, features),
    metadata: metadata === undefined ? null : bits(XDP_METADATA, metadata),
    zeroCopySegments: attribute32(attributes, NETDEV_A_DEV_XDP_ZC_MAX_SEGS) ?? null,
  };
}

function bits<T extends string>(names: readonly T[], mask: bigint): Record<T, boolean> {
  const pairs = names.map((name, bit) => [name, ((mask >> BigInt(bit)) & 1n) === 1n] as const);
  return Object.fromEntries(pairs) as Record<T, boolean>; // one pair for each name
}

/** The kernel gives numbers to families when they are registered. */
function familyNumber(socket: NetlinkSocket, name: string): number | undefined {
  const answer = socket.request(
    GENL_ID_CTRL,
    0,
    message(CTRL_CMD_GETFAMILY, [[CTRL_ATTR_FAMILY_NAME, name]]),
  );
  if (answer.kind === 'refused') {
    if (answer.errno === ENOENT || answer.errno === EINVAL) return undefined;
    throw netlinkError('kernel-interface', `looking up the netlink family "${name}"`, answer);
  }
  const [first] = answer.messages;
  if (first === undefined) return undefined;
  const number = parseAttributes(first.payload.subarray(GENL_HEADER_SIZE)).get(CTRL_ATTR_FAMILY_ID);
  if (number === undefined || number.length < 2) return undefined;
  return viewOf(number).getUint16(0, HOST_ORDER === 'little');
}

function message(command: number, attributes: readonly (readonly [number, AttributeValue])[]): Uint8Array {
  const writer = new ByteWriter(HOST_ORDER, 32);
  writer.u8(command);
  writer.u8(1); // version of the family
  writer.u16(0);
  writer.bytes(encodeAttributes(attributes));
  return writer.finish().slice();
}
