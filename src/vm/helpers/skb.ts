/** Helpers on the packet of programs whose context is a socket buffer. */

import {
  BPF_F_INVALIDATE_HASH,
  BPF_F_RECOMPUTE_CSUM,
  EFAULT,
  EINVAL,
  ENOMEM,
  ENOTSUPP,
} from '../../uapi/index.ts';
import {
  copyBytes,
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_IP,
  ETH_P_IPV6,
  type MachineState,
  protocolOf,
  SKB,
  TC,
} from '../state/index.ts';
import { type Helper, helper } from './spec.ts';

const STORE_FLAGS = BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH;
/** Longest packet that growing may make: SKB_MAX_ALLOC. */
const MAX_LENGTH = 16064;
const VLAN_HLEN = 4;
const MAC_ADDRESSES = 12;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

function loadAt(machine: MachineState, from: number, to: number, length: number): number {
  const size = length >>> 0;
  if (from < machine.skb.macHeader || from + size > machine.packet.end) {
    machine.memory.bytes.fill(0, to, to + size);
    return -EFAULT;
  }
  copyBytes(machine.memory, to, from, size);
  return 0;
}

function loadBytes(machine: MachineState, offset: number, to: number, length: number): number {
  const from = offset >>> 0;
  const { packet } = machine;
  return loadAt(machine, from > 0x7fffffff ? packet.end + 1 : packet.data + from, to, length);
}

function loadBytesRelative(
  machine: MachineState,
  offset: number,
  to: number,
  length: number,
  base: number,
): number {
  const from = offset >>> 0;
  const { packet, skb } = machine;
  const start = base === 0 ? skb.macHeader : base === 1 ? skb.networkHeader : undefined;
  return loadAt(machine, start === undefined || from > 0xffff ? packet.end + 1 : start + from, to, length);
}

function storeBytes(
  machine: MachineState,
  offset: number,
  from: number,
  length: number,
  flags: number,
): number {
  if ((flags & ~STORE_FLAGS) !== 0) return -EINVAL;
  const [to, size] = [offset >>> 0, length >>> 0];
  if (to > 0x7fffffff || to + size > machine.packet.length) return -EFAULT;
  copyBytes(machine.memory, machine.packet.data + to, from, size);
  if ((flags & BPF_F_INVALIDATE_HASH) !== 0) machine.skb.set('hash', 0);
  return 0;
}

function pullData(machine: MachineState, length: number): number {
  return length >>> 0 > machine.packet.length ? -ENOMEM : 0;
}

function changeTail(machine: MachineState, length: number, flags: number): number {
  const size = length >>> 0;
  if (flags !== 0 || size > MAX_LENGTH || size < machine.skb.leastLength) return -EINVAL;
  if (machine.skb.encapsulation) return -ENOTSUPP;
  machine.skb.resize(size);
  return 0;
}

function changeHead(machine: MachineState, room: number, flags: number): number {
  const count = room >>> 0;
  const { packet, skb } = machine;
  if (flags !== 0 || packet.length + count > MAX_LENGTH) return -EINVAL;
  if (!skb.push(0, count)) return -ENOMEM;
  skb.macHeader = packet.data;
  return 0;
}

function changeProtocol(machine: MachineState, protocol: number, flags: number): number {
  const { skb } = machine;
  if (flags !== 0) return -EINVAL;
  const from = skb.protocol;
  const to = fromNetwork(machine, protocol);
  const distance = IPV6_HEADER - IPV4_HEADER;
  if (from === ETH_P_IP && to === ETH_P_IPV6) {
    if (!skb.push(skb.macLength, distance)) return -ENOMEM;
  } else if (from === ETH_P_IPV6 && to === ETH_P_IP) {
    if (!skb.pop(skb.macLength, distance)) return -ENOMEM;
  } else return -ENOTSUPP;
  skb.protocol = to;
  skb.set('hash', 0);
  return 0;
}

function fromNetwork(machine: MachineState, value: number): number {
  return machine.memory.order === 'big' ? value & 0xffff : ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}

/** Types up to PACKET_OTHERHOST can be changed into each other. */
function changeType(machine: MachineState, type: number): number {
  if (machine.skb.get('pkt_type') > 3 || type >>> 0 > 3) return -EINVAL;
  machine.skb.set('pkt_type', type);
  return 0;
}

/** A tag stays beside the packet, as in hardware; a second one pushes the first into it. */
function vlanPush(machine: MachineState, protocol: number, tci: number): number {
  const { skb, packet, memory } = machine;
  const wanted = fromNetwork(machine, protocol);
  const outer = wanted === ETH_P_8021AD ? ETH_P_8021AD : ETH_P_8021Q;
  if (skb.get('vlan_present') !== 0) {
    const inner = skb.vlanProtocol;
    const innerTci = skb.get('vlan_tci');
    if (!skb.push(MAC_ADDRESSES, VLAN_HLEN)) return -ENOMEM;
    memory.view.setUint16(packet.data + MAC_ADDRESSES, inner, false);
    memory.view.setUint16(packet.data + MAC_ADDRESSES + 2, innerTci, false);
    skb.protocol = inner;
  }
  skb.setVlanTag(outer, tci & 0xffff);
  return 0;
}

function vlanPop(machine: MachineState): number {
  const { skb } = machine;
  if (skb.get('vlan_present') !== 0) skb.clearVlanTag();
  else {
    if (!isVlan(skb.protocol)) return 0;
    const popped = popTag(machine);
    if (popped < 0) return popped;
  }
  const next = skb.protocol;
  if (!isVlan(next)) return 0;
  const tci = popTag(machine);
  if (tci < 0) return tci;
  skb.setVlanTag(next, tci);
  return 0;
}

function isVlan(protocol: number): boolean {
  return protocol === ETH_P_8021Q || protocol === ETH_P_8021AD;
}

/** Takes the tag behind the addresses out of the packet; returns its TCI, or a negative errno. */
function popTag(machine: MachineState): number {
  const { skb, packet, memory } = machine;
  if (packet.length < MAC_ADDRESSES + VLAN_HLEN + 2) return -ENOMEM;
  const tci = memory.view.getUint16(packet.data + MAC_ADDRESSES + 2, false);
  const inner = memory.view.getUint16(packet.data + MAC_ADDRESSES + 4, false);
  const raw = packet.length >= MAC_ADDRESSES + 8 ? memory.view.getUint16(packet.data + MAC_ADDRESSES + 6) : 0;
  const network = skb.networkHeader;
  if (!skb.pop(MAC_ADDRESSES, VLAN_HLEN)) return -ENOMEM;
  skb.macHeader = packet.data;
  skb.networkHeader = Math.max(network, packet.data + 14);
  skb.protocol = protocolOf(inner, raw);
  return tci;
}

export const SKB_HELPERS: readonly Helper[] = [
  helper('skb_load_bytes', ['context', 'u32', 'memory-out', 'size'], loadBytes, { programs: SKB }),
  helper('skb_load_bytes_relative', ['context', 'u32', 'memory-out', 'size', 'u32'], loadBytesRelative, {
    programs: SKB,
  }),
  helper('skb_store_bytes', ['context', 'u32', 'memory', 'size', 'flags'], storeBytes, { programs: TC }),
  helper('skb_pull_data', ['context', 'u32'], pullData, { programs: TC }),
  helper('skb_change_tail', ['context', 'u32', 'flags'], changeTail, { programs: TC }),
  helper('skb_change_head', ['context', 'u32', 'flags'], changeHead, { programs: TC }),
  helper('skb_change_proto', ['context', 'u32', 'flags'], changeProtocol, { programs: TC }),
  helper('skb_change_type', ['context', 'u32'], changeType, { programs: TC }),
  helper('skb_vlan_push', ['context', 'u32', 'u32'], vlanPush, { programs: TC }),
  helper('skb_vlan_pop', ['context'], vlanPop, { programs: TC }),
];
