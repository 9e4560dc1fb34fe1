/**
 * Packets as text: the first bytes as one line, with addresses and ports of what is well known, else the type; and packets
 * of digits that a user gave.
 */

import { usageError } from '../../src/diag/index.ts';

const TYPES = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, qinq: 0x88a8, ipv6: 0x86dd } as const;
const PROTOCOLS = new Map([
  [1, 'ICMP'],
  [6, 'TCP'],
  [17, 'UDP'],
  [58, 'ICMPv6'],
  [132, 'SCTP'],
]);
const WITH_PORTS = new Set([6, 17, 132]);
const TCP = 6;
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'];

/** `10.0.0.1:53 > 10.0.0.2:9 UDP`. Says what the bytes show, and nothing that they do not. */
export function packetText(bytes: Uint8Array): string {
  const packet = new Packet(bytes);
  let at = 12;
  let type = packet.u16(at);
  let vlans = '';
  while (type === TYPES.vlan || type === TYPES.qinq) {
    const tag = packet.u16(at + 2);
    if (tag === undefined) break;
    vlans += `vlan ${tag & 0xfff} `;
    at += 4;
    type = packet.u16(at);
  }
  if (type === undefined) return `${bytes.length} bytes`;
  return `${vlans}${networkText(packet, type, at + 2)}`;
}

class Packet {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u8(at: number): number | undefined {
    return this.#bytes[at];
  }

  u16(at: number): number | undefined {
    const [high, low] = [this.#bytes[at], this.#bytes[at + 1]];
    return high === undefined || low === undefined ? undefined : (high << 8) | low;
  }

  slice(at: number, length: number): Uint8Array | undefined {
    const part = this.#bytes.subarray(at, at + length);
    return part.length === length ? part : undefined;
  }
}

function networkText(packet: Packet, type: number, at: number): string {
  if (type === TYPES.ipv4) return ipv4Text(packet, at);
  if (type === TYPES.ipv6) return ipv6Text(packet, at);
  if (type === TYPES.arp) return arpText(packet, at);
  return `${macText(packet.slice(6, 6))} > ${macText(packet.slice(0, 6))} type 0x${type.toString(16).padStart(4, '0')}`;
}

function ipv4Text(packet: Packet, at: number): string {
  const first = packet.u8(at);
  const [from, to] = [packet.slice(at + 12, 4), packet.slice(at + 16, 4)];
  const protocol = packet.u8(at + 9);
  if (first === undefined || from === undefined || to === undefined || protocol === undefined)
    return 'IPv4, cut';
  const fragment = packet.u16(at + 6);
  const next = fragment !== undefined && (fragment & 0x1fff) === 0 ? at + (first & 15) * 4 : undefined;
  return transportText(packet, protocol, next, from.join('.'), to.join('.'));
}

function ipv6Text(packet: Packet, at: number): string {
  const [from, to] = [packet.slice(at + 8, 16), packet.slice(at + 24, 16)];
  const protocol = packet.u8(at + 6);
  if (from === undefined || to === undefined || protocol === undefined) return 'IPv6, cut';
  return transportText(packet, protocol, at + 40, ipv6Address(from), ipv6Address(to), true);
}

/** `next`: where the transport header is; undefined in a fragment that does not have it. */
function transportText(
  packet: Packet,
  protocol: number,
  next: number | undefined,
  from: string,
  to: string,
  isV6 = false,
): string {
  const name = PROTOCOLS.get(protocol) ?? `protocol ${protocol}`;
  if (next === undefined) return `${from} > ${to} ${name} fragment`;
  const [source, target] = [packet.u16(next), packet.u16(next + 2)];
  if (!WITH_PORTS.has(protocol) || source === undefined || target === undefined)
    return `${from} > ${to} ${name}`;
  const end = (address: string, port: number): string =>
    isV6 ? `[${address}]:${port}` : `${address}:${port}`;
  const flags = protocol === TCP ? flagsText(packet.u8(next + 13)) : '';
  return `${end(from, source)} > ${end(to, target)} ${name}${flags}`;
}

function flagsText(flags: number | undefined): string {
  if (flags === undefined) return '';
  const names = FLAGS.filter((_, bit) => ((flags >>> bit) & 1) === 1);
  return names.length === 0 ? '' : ` ${names.join(' ')}`;
}

function arpText(packet: Packet, at: number): string {
  const [from, to] = [packet.slice(at + 14, 4), packet.slice(at + 24, 4)];
  if (from === undefined || to === undefined) return 'ARP';
  return packet.u16(at + 6) === 1
    ? `ARP who has ${to.join('.')}, for ${from.join('.')}`
    : `ARP ${from.join('.')} is at ${macText(packet.slice(at + 8, 6))}`;
}

function macText(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '?' : [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join(':');
}

/** RFC 5952: the longest run of zeros is left out. */
function ipv6Address(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = Array.from({ length: 8 }, (_, at) => view.getUint16(2 * at).toString(16));
  let [start, length] = [0, 0];
  for (let at = 0; at < 8; at++) {
    let run = 0;
    while (words[at + run] === '0') run++;
    if (run > length) [start, length] = [at, run];
  }
  if (length < 2) return words.join(':');
  return `${words.slice(0, start).join(':')}::${words.slice(start + length).join(':')}`;
}

/** Hexadecimal digits; spaces, colons, dashes and `0x` between them are ignored. Throws `usage-packet`. */
export function packetOfHex(digits: string, number: number): Uint8Array {
  const plain = digits.replace(/0x|[\s:_-]/g, '');
  if (plain.length === 0 || plain.length % 2 !== 0 || /[^0-9a-fA-F]/.test(plain)) {
    throw usageError('usage-packet', `packet ${number} is not an even number of hexadecimal digits`);
  }
  return Uint8Array.from(plain.match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}
