/** A packet of a capture file, and what the two formats share. */

/**
 * A moment: seconds since 1970 and nanoseconds of that second. Two numbers, because one double is too short.
 */
export interface Timestamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** A packet inside of the bytes that were read: they are only good until the next chunk is pushed. */
export interface CapturedPacket {
  /** From 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** Bytes that were captured. */
  readonly length: number;
  /** Bytes that the packet had on the wire. */
  readonly originalLength: number;
  /** Undefined where the format has no time (simple packet blocks). */
  readonly timestamp: Timestamp | undefined;
}

/** Longest accepted packet or block; more means a corrupt file. */
export const MAX_RECORD = 0x80000;

export const LINKTYPE_ETHERNET = 1;

/** Names of common link types, with what to do instead. */
const OTHER_LINKTYPES: Readonly<Record<number, string>> = {
  0: 'BSD loopback',
  12: 'raw IP',
  14: 'raw IP',
  101: 'raw IP',
  105: 'IEEE 802.11',
  113: 'Linux cooked capture',
  127: 'IEEE 802.11 with radiotap',
  228: 'raw IPv4',
  229: 'raw IPv6',
  276: 'Linux cooked capture v2',
};

/** `link type 113 (Linux cooked capture)`. */
export function linkTypeText(type: number): string {
  const name = OTHER_LINKTYPES[type];
  return name === undefined ? `link type ${type}` : `link type ${type} (${name})`;
}

export const LINKTYPE_HINT =
  'packets need an Ethernet header: capture on one Ethernet interface (tcpdump -i eth0), not on "any" or a tunnel';
