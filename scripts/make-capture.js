#!/usr/bin/env node
// Writes examples/traffic.pcap: a small made-up capture in which each packet is there for a reason (see PACKETS).
// Addresses are from the ranges for documentation (RFC 5737, RFC 3849, RFC 7042). The same bytes come out each time;
// TCP and UDP checksums are left at zero. `--check` only compares with the file that is checked in, `--list` prints what is in it.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OUTPUT = join(dirname(dirname(fileURLToPath(import.meta.url))), 'examples', 'traffic.pcap');

const HOST_MAC = [0x00, 0x00, 0x5e, 0x00, 0x53, 0x01];
const PEER_MAC = [0x00, 0x00, 0x5e, 0x00, 0x53, 0x02];
const HOST = [198, 51, 100, 1];
const FRIEND = [203, 0, 113, 10];
/** What the first firewall blocks. */
const BLOCKED = [192, 0, 2, 66];
const HOST6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const PEER6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42];

/** @typedef {number[]} Bytes */

/** @param {number} value @returns {Bytes} */
const u16 = value => [(value >> 8) & 0xff, value & 0xff];
/** @param {number} value @returns {Bytes} */
const u32 = value => [...u16(value >>> 16), ...u16(value & 0xffff)];
/** @param {number} length @returns {Bytes} */
const payload = length => Array.from({ length }, (_, index) => 0x61 + (index % 26));

/** The Internet checksum. @param {Bytes} bytes */
function checksum(bytes) {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2)
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** @param {number} type @param {Bytes} body */
const ethernet = (type, body) => [...HOST_MAC, ...PEER_MAC, ...u16(type), ...body];

/** @param {number} vlan @param {number} type @param {Bytes} body */
const tagged = (vlan, type, body) => ethernet(0x8100, [...u16(vlan), ...u16(type), ...body]);

/**
 * @param {Bytes} source
 * @param {number} protocol
 * @param {Bytes} body
 * @param {{ ttl?: number, options?: Bytes, fragment?: number }} [extra] `fragment`: flags and offset, as in the header.
 */
function ipv4(source, protocol, body, { ttl = 64, options = [], fragment = 0x4000 } = {}) {
  const length = 20 + options.length;
  const before = [
    ...[0x40 | (length / 4), 0, ...u16(length + body.length), 0x12, 0x34],
    ...[...u16(fragment), ttl, protocol],
  ];
  const after = [...source, ...HOST, ...options];
  return [...before, ...u16(checksum([...before, 0, 0, ...after])), ...after, ...body];
}

/** @param {number} next @param {Bytes} body */
const ipv6 = (next, body) => [0x60, 0, 0, 0, ...u16(body.length), next, 64, ...PEER6, ...HOST6, ...body];

/**
 * @param {number} port Destination.
 * @param {number} [length] Of the payload.
 */
const udp = (port, length = 32) => [
  ...u16(40000),
  ...u16(port),
  ...u16(8 + length),
  0,
  0,
  ...payload(length),
];

/**
 * @param {number} port Destination.
 * @param {number} [flags]
 */
const tcp = (port, flags = 0x02) => [
  ...[...u16(41000), ...u16(port), ...u32(0x1000), ...u32(0), 0x50, flags],
  ...[...u16(0xfaf0), 0, 0, 0, 0, ...payload(12)],
];

/** @param {number} type */
const icmp = type => [
  type,
  0,
  ...u16(checksum([type, 0, 0, 0, 0, 1, 0, 1, ...payload(24)])),
  0,
  1,
  0,
  1,
  ...payload(24),
];

/** @param {Bytes} source @param {number} protocol @param {Bytes} body @param {Parameters<typeof ipv4>[3]} [extra] */
const over4 = (source, protocol, body, extra) => ethernet(0x0800, ipv4(source, protocol, body, extra));

const arp = ethernet(0x0806, [
  ...[0, 1, 8, 0, 6, 4, 0, 1, ...PEER_MAC, ...FRIEND, 0, 0, 0, 0, 0, 0, ...HOST],
  ...Array(18).fill(0),
]);

/**
 * What each packet is there for, and the packet.
 * @type {readonly (readonly [string, Bytes])[]}
 */
const PACKETS = [
  ['TCP to port 443', over4(FRIEND, 6, tcp(443))],
  ['UDP to port 53', over4(FRIEND, 17, udp(53))],
  ['ICMP echo request', over4(FRIEND, 1, icmp(8))],
  ['ARP request', arp],
  ['blocked source, TCP to an open port', over4(BLOCKED, 6, tcp(443))],
  ['blocked source, UDP to an open port', over4(BLOCKED, 17, udp(53))],
  ['blocked source, ICMP', over4(BLOCKED, 1, icmp(8))],
  ['TCP to the first blocked port', over4(FRIEND, 6, tcp(6000))],
  ['TCP to the last blocked port', over4(FRIEND, 6, tcp(6063))],
  ['UDP to a blocked port', over4(FRIEND, 17, udp(6031))],
  ['TCP just below the blocked ports', over4(FRIEND, 6, tcp(5999))],
  ['TCP just above the blocked ports', over4(FRIEND, 6, tcp(6064))],
  ['blocked source and blocked port, TCP', over4(BLOCKED, 6, tcp(6010))],
  ['blocked source and blocked port, UDP', over4(BLOCKED, 17, udp(6010))],
  ['source one below the blocked one', over4([192, 0, 2, 65], 6, tcp(443))],
  ['source one above the blocked one', over4([192, 0, 2, 67], 6, tcp(443))],
  ['blocked port read backwards (0x7017)', over4(FRIEND, 6, tcp(0x7017))],
  ['blocked port as the source port only', over4(FRIEND, 17, [...u16(6000), ...udp(53).slice(2)])],
  ['IPv6, TCP to port 443', ethernet(0x86dd, ipv6(6, tcp(443)))],
  ['IPv6, UDP to a blocked port', ethernet(0x86dd, ipv6(17, udp(6000)))],
  ['VLAN 100, blocked source', tagged(100, 0x0800, ipv4(BLOCKED, 6, tcp(443)))],
  ['VLAN 100, IPv4 to a blocked port', tagged(100, 0x0800, ipv4(FRIEND, 6, tcp(6000)))],
  ['IPv4 options, TCP to a blocked port', over4(FRIEND, 6, tcp(6000), { options: [1, 1, 1, 0] })],
  ['first fragment to a blocked port', over4(FRIEND, 17, udp(6000, 64), { fragment: 0x2000 })],
  ['later fragment that looks like a blocked port', over4(FRIEND, 17, udp(6000), { fragment: 0x0010 })],
  ['time to live of one', over4(FRIEND, 17, udp(53), { ttl: 1 })],
  ['SCTP to a blocked port', over4(FRIEND, 132, tcp(6000))],
  ['UDP without payload to a blocked port', over4(FRIEND, 17, udp(6000, 0))],
  ['blocked source, cut after the IPv4 header', over4(BLOCKED, 17, [])],
  ['cut inside the IPv4 header', over4(BLOCKED, 17, udp(53)).slice(0, 30)],
  ['cut inside the UDP ports', over4(FRIEND, 17, udp(6000)).slice(0, 37)],
  ['cut after the UDP ports', over4(FRIEND, 17, udp(6000)).slice(0, 38)],
  ['Ethernet header alone, IPv4', over4(FRIEND, 17, udp(53)).slice(0, 14)],
  ['unknown EtherType', ethernet(0x88b5, payload(46))],
  ['full-sized TCP segment', over4(FRIEND, 6, [...tcp(443, 0x18), ...payload(1448)])],
];

/** Classic pcap, little-endian, microseconds, Ethernet; one packet a millisecond. */
function capture() {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65535, 16);
  header.writeUInt32LE(1, 20);
  const records = PACKETS.map(([, bytes], index) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_700_000_000, 0);
    record.writeUInt32LE(index * 1000, 4);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(bytes.length, 12);
    return Buffer.concat([record, Buffer.from(bytes)]);
  });
  return Buffer.concat([header, ...records]);
}

const bytes = capture();
if (process.argv.includes('--list')) {
  PACKETS.forEach(([why, packet], index) => {
    console.log(`${String(index + 1).padStart(2)}  ${String(packet.length).padStart(4)} bytes  ${why}`);
  });
} else if (process.argv.includes('--check')) {
  const same = readFileSync(OUTPUT).equals(bytes);
  console.log(
    same ? 'capture: as checked in' : 'capture: examples/traffic.pcap is not what this script makes',
  );
  process.exitCode = same ? 0 : 1;
} else {
  writeFileSync(OUTPUT, bytes);
  console.log(`capture: ${PACKETS.length} packets`);
}
