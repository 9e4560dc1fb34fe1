/** Helpers about the machine itself: clocks, numbers, identities, memory. */

import { EFAULT, EINVAL } from '../../uapi/index.ts';
import { copyBytes, type MachineState, READ, SKB, TC } from '../state/index.ts';
import { type Helper, helper } from './spec.ts';

const NS_PER_JIFFY = 4_000_000;
/** Jiffies start so that they wrap five minutes after boot. */
const INITIAL_JIFFIES = 0x100000000 - 300 * 250;
/** The user id that the kernel gives packets without a socket. */
const OVERFLOW_UID = 65534;
const ECN_MASK = 3;

function probeRead(machine: MachineState, to: number, size: number, from: number): number {
  const bytes = size >>> 0;
  if (machine.allowed(from >>> 0, bytes, READ)) {
    copyBytes(machine.memory, to, from, bytes);
    return 0;
  }
  machine.memory.bytes.fill(0, to, to + bytes);
  return -EFAULT;
}

/** Copies a string with its NUL, cut to fit; returns the bytes written. */
function probeReadString(machine: MachineState, to: number, size: number, from: number): number {
  const limit = size >>> 0;
  if (limit === 0) return 0;
  let length = 0;
  while (length < limit - 1 && machine.allowed((from >>> 0) + length, 1, READ)) {
    if (machine.memory.u8(from + length) === 0) break;
    length++;
  }
  if (!machine.allowed((from >>> 0) + length, 1, READ)) {
    machine.memory.bytes.fill(0, to, to + limit);
    return -EFAULT;
  }
  const text = machine.texts.read(from, length);
  for (let i = 0; i < length; i++) machine.memory.setU8(to + i, text.charCodeAt(i));
  machine.memory.setU8(to + length, 0);
  return length + 1;
}

/**
 * FNV-1a over the packet's first bytes: the same packet has the same hash, which is all that programs may
 * expect.
 */
function packetHash(machine: MachineState): number {
  const known = machine.skb.get('hash');
  if (known !== 0) return known;
  const { data, end } = machine.packet;
  let hash = 0x811c9dc5;
  for (let at = data; at < Math.min(end, data + 64); at++) {
    hash = Math.imul(hash ^ machine.memory.u8(at), 0x01000193);
  }
  machine.skb.set('hash', hash === 0 ? 1 : hash >>> 0);
  return machine.skb.get('hash');
}

function setHash(machine: MachineState, hash: number): number {
  machine.skb.set('hash', hash >>> 0);
  return 0;
}

/** Marks congestion in the IP header; 1 when it is marked then, 0 when the packet cannot be. */
function setCongestion(machine: MachineState): number {
  const { skb, packet, memory } = machine;
  const at = skb.networkHeader;
  if (skb.protocol === 0x0800 && at + 20 <= packet.end) return markIpv4(machine, at);
  if (skb.protocol !== 0x86dd || at + 40 > packet.end) return 0;
  const word = memory.view.getUint16(at, false);
  if (((word >> 4) & ECN_MASK) === 0) return 0;
  memory.view.setUint16(at, word | (ECN_MASK << 4), false);
  return 1;
}

function markIpv4(machine: MachineState, at: number): number {
  const { view } = machine.memory;
  const ecn = view.getUint8(at + 1) & ECN_MASK;
  if (ecn === 0) return 0;
  if (ecn === ECN_MASK) return 1;
  view.setUint8(at + 1, view.getUint8(at + 1) | ECN_MASK);
  const check = view.getUint16(at + 10, false) - (ECN_MASK - ecn);
  view.setUint16(at + 10, check < 0 ? check + 0xffff : check, false);
  return 1;
}

const none = () => 0;

export const MISC_HELPERS: readonly Helper[] = [
  helper('ktime_get_ns', [], null, { note: 'the virtual clock, see above' }),
  helper('ktime_get_boot_ns', [], null, { note: 'the same clock' }),
  helper('ktime_get_coarse_ns', [], null, { note: 'the same clock' }),
  helper('ktime_get_tai_ns', [], null, { note: 'the time of the packet' }),
  helper('jiffies64', [], machine => INITIAL_JIFFIES + Math.floor(machine.clockNs / NS_PER_JIFFY), {
    returns: 'f64',
    note: '250 a second',
  }),
  helper('get_prandom_u32', [], machine => machine.random(), { returns: 'u32', note: 'seeded' }),
  helper('get_smp_processor_id', [], none, { note: 'always 0' }),
  helper('get_numa_node_id', [], none, { note: 'always 0' }),
  helper('probe_read', ['memory-out', 'size', 'address'], probeRead, { note: 'only memory of the machine' }),
  helper('probe_read_kernel', ['memory-out', 'size', 'address'], probeRead, {
    note: 'only memory of the machine',
  }),
  helper('probe_read_str', ['memory-out', 'size', 'address'], probeReadString),
  helper('probe_read_kernel_str', ['memory-out', 'size', 'address'], probeReadString),
  helper('get_hash_recalc', ['context'], packetHash, {
    returns: 'u32',
    programs: TC,
    note: 'a hash of the first 64 bytes',
  }),
  helper('set_hash', ['context', 'u32'], setHash, { programs: TC }),
  helper('set_hash_invalid', ['context'], machine => setHash(machine, 0), { programs: TC }),
  helper('skb_ecn_set_ce', ['context'], setCongestion, { programs: ['tc', 'cgroup-skb'] }),
  helper('get_cgroup_classid', ['context'], none, { programs: TC, note: 'always 0' }),
  helper('get_route_realm', ['context'], none, { programs: TC, note: 'always 0' }),
  helper('skb_under_cgroup', ['context', 'map', 'u32'], none, { programs: TC, note: 'always 0' }),
  helper('skb_cgroup_id', ['context'], none, { programs: ['tc', 'cgroup-skb'], note: 'always 0' }),
  helper('get_socket_cookie', ['ignored'], none, { programs: SKB, note: 'always 0: there are no sockets' }),
  helper('get_socket_uid', ['context'], () => OVERFLOW_UID, { programs: SKB, note: 'always 65534' }),
  helper('sk_lookup_tcp', ['context', 'memory', 'size', 'u64', 'flags'], none, { note: 'finds nothing' }),
  helper('sk_lookup_udp', ['context', 'memory', 'size', 'u64', 'flags'], none, { note: 'finds nothing' }),
  helper('skc_lookup_tcp', ['context', 'memory', 'size', 'u64', 'flags'], none, { note: 'finds nothing' }),
  helper('sk_release', ['ignored'], none),
  helper('skb_get_tunnel_key', ['context', 'memory-out', 'size', 'flags'], clearTunnelKey, {
    programs: TC,
    note: 'packets come from no tunnel: always -EINVAL',
  }),
  helper('skb_set_tunnel_key', ['context', 'memory', 'size', 'flags'], none, {
    programs: TC,
    note: 'accepted',
  }),
  helper('check_mtu', ['context', 'u32', 'out4', 'u32', 'flags'], checkMtu, {
    programs: ['xdp', 'tc'],
    note: 'every interface has an MTU of 1500',
  }),
];

function clearTunnelKey(machine: MachineState, to: number, size: number): number {
  machine.memory.bytes.fill(0, to, to + (size >>> 0));
  return -EINVAL;
}

const MTU = 1500;
const ETH_HLEN = 14;
const FRAG_NEEDED = 1;

function checkMtu(
  machine: MachineState,
  _ifindex: number,
  length: number,
  difference: number,
  flags: number,
): number {
  if (flags !== 0) return -EINVAL;
  const asked = machine.memory.u32(length);
  const size = (asked === 0 ? machine.packet.length : asked + ETH_HLEN) + difference;
  machine.memory.setU32(length, MTU);
  return size <= MTU + ETH_HLEN ? 0 : FRAG_NEEDED;
}
