/** Packets for tests: headers from their fields, with lengths and checksums filled in. */

import { ByteWriter, encodeText } from '../../bytes/index.ts';
import { quote, usageError } from '../../diag/index.ts';
import { parseIpv4, parseIpv6, parseMac } from './addresses.ts';

/** Headers of a packet from the outside in; what is left out is not there, or has the value in brackets. */
export interface PacketLayers {
  /** Addresses as `02:00:00:00:00:01` [..:01 to ..:02]; `type` [that of what follows]. */
  readonly ethernet?: { readonly source?: string; readonly destination?: string; readonly type?: number };
  /** VLAN ids of 802.1Q tags. */
  readonly vlans?: readonly number[];
  /** `protocol` [that of what follows], `ttl` [64], `dscp`, `id` [0]. */
  readonly ipv4?: {
    readonly source: string;
    readonly destination: string;
    readonly protocol?: number;
    readonly ttl?: number;
    readonly dscp?: number;
    readonly id?: number;
  };
  /** `nextHeader` [that of what follows], `hopLimit` [64]. */
  readonly ipv6?: {
    readonly source: string;
    readonly destination: string;
    readonly nextHeader?: number;
    readonly hopLimit?: number;
  };
  /** Ports. */
  readonly udp?: { readonly source: number; readonly destination: number };
  /** Ports; `flags` as in `SA` [`S`], of F S R P A U; `sequence`, `acknowledgement` [0], `window` [65535]. */
  readonly tcp?: {
    readonly source: number;
    readonly destination: number;
    readonly flags?: string;
    readonly sequence?: number;
    readonly acknowledgement?: number;
    readonly window?: number;
  };
  /** Bytes, or text. */
  readonly payload?: Uint8Array | string;
}

const TYPE = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100 } as const;
const PROTOCOL = { tcp: 6, udp: 17, none: 59 } as const;
const TCP_FLAGS = 'FSRPAU';

/**
 * A packet from its Ethernet header on. Throws `usage-packet` for fields that do not fit, and for two headers of one
 * layer.
 */
export function buildPacket(layers: PacketLayers): Uint8Array {
  if (layers.ipv4 !== undefined && layers.ipv6 !== undefined) throw refused('ipv4 and ipv6 are one layer');
  if (layers.udp !== undefined && layers.tcp !== undefined) throw refused('udp and tcp are one layer');
  const { payload = new Uint8Array(0) } = layers;
  const content = typeof payload === 'string' ? encodeText(payload) : payload;
  const transport = transportBytes(layers, content);
  const network = networkBytes(layers, transport);
  return concat([ethernetBytes(layers), network]);
}

function ethernetBytes({ ethernet = {}, vlans = [], ipv4, ipv6 }: PacketLayers): Uint8Array {
  const out = new ByteWriter('big');
  out.bytes(parseMac(ethernet.destination ?? '02:00:00:00:00:02'));
  out.bytes(parseMac(ethernet.source ?? '02:00:00:00:00:01'));
  for (const id of vlans) {
    out.u16(TYPE.vlan);
    out.u16(field('vlan', id, 4095));
  }
  const inner = ipv4 !== undefined ? TYPE.ipv4 : ipv6 !== undefined ? TYPE.ipv6 : 0x88b5; // for experiments
  out.u16(field('type', ethernet.type ?? inner, 0xffff));
  return out.finish();
}

function networkBytes(layers: PacketLayers, transport: Uint8Array): Uint8Array {
  if (layers.ipv4 !== undefined) return ipv4Bytes(layers, layers.ipv4, transport);
  if (layers.ipv6 !== undefined) return ipv6Bytes(layers, layers.ipv6, transport);
  return transport;
}

function ipv4Bytes(
  layers: PacketLayers,
  fields: NonNullable<PacketLayers['ipv4']>,
  transport: Uint8Array,
): Uint8Array {
  const { ttl = 64, dscp = 0, id = 0, protocol = protocolOf(layers) } = fields;
  const out = new ByteWriter('big');
  out.u8(0x45);
  out.u8(field('dscp', dscp, 63) << 2);
  out.u16(field('length', 20 + transport.length, 0xffff));
  out.u16(field('id', id, 0xffff));
  out.u16(0x4000); // do not fragment
  out.u8(field('ttl', ttl, 255));
  out.u8(field('protocol', protocol, 255));
  out.u16(0);
  out.bytes(parseIpv4(fields.source));
  out.bytes(parseIpv4(fields.destination));
  const header = out.finish();
  put16(header, 10, checksum([header]));
  return concat([header, transport]);
}

function ipv6Bytes(
  layers: PacketLayers,
  fields: NonNullable<PacketLayers['ipv6']>,
  transport: Uint8Array,
): Uint8Array {
  const { hopLimit = 64, nextHeader = protocolOf(layers) } = fields;
  const out = new ByteWriter('big');
  out.u32(0x60000000);
  out.u16(field('length', transport.length, 0xffff));
  out.u8(field('nextHeader', nextHeader, 255));
  out.u8(field('hopLimit', hopLimit, 255));
  out.bytes(parseIpv6(fields.source));
  out.bytes(parseIpv6(fields.destination));
  return concat([out.finish(), transport]);
}

function protocolOf({ udp, tcp }: PacketLayers): number {
  if (udp !== undefined) return PROTOCOL.udp;
  return tcp === undefined ? PROTOCOL.none : PROTOCOL.tcp;
}

function transportBytes(layers: PacketLayers, payload: Uint8Array): Uint8Array {
  if (layers.udp !== undefined) return withChecksum(layers, udpBytes(layers.udp, payload), 6);
  if (layers.tcp !== undefined) return withChecksum(layers, tcpBytes(layers.tcp, payload), 16);
  return payload;
}

function udpBytes(udp: NonNullable<PacketLayers['udp']>, payload: Uint8Array): Uint8Array {
  const out = new ByteWriter('big');
  out.u16(field('source', udp.source, 0xffff));
  out.u16(field('destination', udp.destination, 0xffff));
  out.u16(field('length', 8 + payload.length, 0xffff));
  out.u16(0);
  return concat([out.finish(), payload]);
}

function tcpBytes(tcp: NonNullable<PacketLayers['tcp']>, payload: Uint8Array): Uint8Array {
  const { flags = 'S', sequence = 0, acknowledgement = 0, window = 0xffff } = tcp;
  const out = new ByteWriter('big');
  out.u16(field('source', tcp.source, 0xffff));
  out.u16(field('destination', tcp.destination, 0xffff));
  out.u32(field('sequence', sequence, 0xffffffff));
  out.u32(field('acknowledgement', acknowledgement, 0xffffffff));
  out.u8(0x50);
  out.u8(flagBits(flags));
  out.u16(field('window', window, 0xffff));
  out.u32(0);
  return concat([out.finish(), payload]);
}

function flagBits(flags: string): number {
  let bits = 0;
  for (const flag of flags) {
    const at = TCP_FLAGS.indexOf(flag);
    if (at < 0) throw refused(`flags ${quote(flags)}: the letters are ${TCP_FLAGS}`);
    bits |= 1 << at;
  }
  return bits;
}

/** RFC 768, 9293, 8200: over addresses, length and protocol too. A sum of 0 in UDP means that there is none. */
function withChecksum(layers: PacketLayers, segment: Uint8Array, at: number): Uint8Array {
  const { ipv4, ipv6 } = layers;
  const addresses =
    ipv4 !== undefined
      ? [parseIpv4(ipv4.source), parseIpv4(ipv4.destination)]
      : ipv6 !== undefined
        ? [parseIpv6(ipv6.source), parseIpv6(ipv6.destination)]
        : [];
  if (addresses.length === 0) return segment;
  const rest = new ByteWriter('big');
  rest.u32(segment.length);
  rest.u32(protocolOf(layers));
  const sum = checksum([...addresses, rest.finish(), segment]);
  put16(segment, at, sum === 0 && layers.udp !== undefined ? 0xffff : sum);
  return segment;
}

/** The Internet checksum of parts of which all but the last have an even length. */
function checksum(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) for (const [at, byte] of part.entries()) sum += at % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new ByteWriter('big');
  for (const part of parts) out.bytes(part);
  return out.finish();
}

function field(name: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw refused(`${name} is a whole number from 0 to ${most}, not ${value}`);
}

function refused(message: string): Error {
  return usageError('usage-packet', message);
}
