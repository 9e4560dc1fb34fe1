/**
 * `bpf_skb_adjust_room`: room for tunnel headers behind the link-layer header, or after the network header.
 */

import {
  BPF_ADJ_ROOM_MAC,
  BPF_ADJ_ROOM_NET,
  BPF_F_ADJ_ROOM_DECAP_L3_IPV4,
  BPF_F_ADJ_ROOM_DECAP_L3_IPV6,
  BPF_F_ADJ_ROOM_ENCAP_L2_ETH,
  BPF_F_ADJ_ROOM_ENCAP_L3_IPV4,
  BPF_F_ADJ_ROOM_ENCAP_L3_IPV6,
  BPF_F_ADJ_ROOM_ENCAP_L4_GRE,
  BPF_F_ADJ_ROOM_ENCAP_L4_UDP,
  BPF_F_ADJ_ROOM_FIXED_GSO,
  BPF_F_ADJ_ROOM_NO_CSUM_RESET,
  EALREADY,
  EFAULT,
  EINVAL,
  ENOMEM,
  ENOTSUPP,
} from '../../uapi/index.ts';
import { ETH_HLEN, ETH_P_IP, ETH_P_IPV6, type MachineState, TC } from '../state/index.ts';
import { type Helper, helper } from './spec.ts';

/** All flags below the length of the inner link-layer header, which takes the highest byte of the u64. */
const FLAGS = 0x1ff;
const SHRINK_FLAGS =
  BPF_F_ADJ_ROOM_FIXED_GSO |
  BPF_F_ADJ_ROOM_NO_CSUM_RESET |
  BPF_F_ADJ_ROOM_DECAP_L3_IPV4 |
  BPF_F_ADJ_ROOM_DECAP_L3_IPV6;
const MAX_DISTANCE = 0xfff;
const MAX_LENGTH = 16064;

function networkLength(protocol: number): number {
  return protocol === ETH_P_IP ? 20 : 40;
}

function adjustRoom(
  machine: MachineState,
  distance: number,
  mode: number,
  low: number,
  high: number,
): number {
  const { skb, packet } = machine;
  if ((low & ~FLAGS) !== 0 || (high & 0x00ffffff) !== 0) return -EINVAL;
  const count = Math.abs(distance);
  if (count > MAX_DISTANCE) return -EFAULT;
  const { protocol } = skb;
  if (protocol !== ETH_P_IP && protocol !== ETH_P_IPV6) return -ENOTSUPP;
  if (mode !== BPF_ADJ_ROOM_NET && mode !== BPF_ADJ_ROOM_MAC) return -ENOTSUPP;
  const offset = skb.macLength + (mode === BPF_ADJ_ROOM_NET ? networkLength(protocol) : 0);
  const decapsulates = (low & (BPF_F_ADJ_ROOM_DECAP_L3_IPV4 | BPF_F_ADJ_ROOM_DECAP_L3_IPV6)) !== 0;
  if (decapsulates && distance >= 0) return -EINVAL;
  if (
    decapsulates &&
    (low & BPF_F_ADJ_ROOM_DECAP_L3_IPV4) !== 0 &&
    (low & BPF_F_ADJ_ROOM_DECAP_L3_IPV6) !== 0
  )
    return -EINVAL;
  if (distance >= 0) {
    if (packet.length + count > MAX_LENGTH) return -ENOTSUPP;
    return grow(machine, offset, count, low, high >>> 24);
  }
  let least = networkLength(protocol);
  if ((low & BPF_F_ADJ_ROOM_DECAP_L3_IPV4) !== 0) least = 20;
  if ((low & BPF_F_ADJ_ROOM_DECAP_L3_IPV6) !== 0) least = 40;
  const rest = packet.end - skb.networkHeader;
  if (count >= rest || rest - count < least) return -ENOTSUPP;
  return shrink(machine, offset, count, low);
}

function grow(machine: MachineState, offset: number, count: number, flags: number, innerMac: number): number {
  const { skb } = machine;
  const l3 = flags & (BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6);
  const encapsulates = l3 !== 0;
  if (encapsulates) {
    const bothL3 = l3 === (BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6);
    const bothL4 = (flags & BPF_F_ADJ_ROOM_ENCAP_L4_GRE) !== 0 && (flags & BPF_F_ADJ_ROOM_ENCAP_L4_UDP) !== 0;
    if (bothL3 || bothL4 || ((flags & BPF_F_ADJ_ROOM_ENCAP_L2_ETH) !== 0 && innerMac < ETH_HLEN))
      return -EINVAL;
    if (skb.encapsulation) return -EALREADY;
    if (innerMac > count) return -EINVAL;
  }
  const { macLength } = skb;
  if (!skb.push(offset, count)) return -ENOMEM;
  if (encapsulates) {
    skb.encapsulation = true;
    skb.networkHeader = machine.packet.data + macLength;
    if ((flags & (BPF_F_ADJ_ROOM_ENCAP_L4_GRE | BPF_F_ADJ_ROOM_ENCAP_L4_UDP)) !== 0) {
      skb.transportHeader = skb.networkHeader + (l3 === BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 ? 40 : 20);
    }
    skb.protocol = l3 === BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 ? ETH_P_IPV6 : ETH_P_IP;
  }
  return 0;
}

function shrink(machine: MachineState, offset: number, count: number, flags: number): number {
  const { skb } = machine;
  if ((flags & ~SHRINK_FLAGS) !== 0) return -EINVAL;
  if (!skb.pop(offset, count)) return -ENOMEM;
  if ((flags & BPF_F_ADJ_ROOM_DECAP_L3_IPV4) !== 0) skb.protocol = ETH_P_IP;
  if ((flags & BPF_F_ADJ_ROOM_DECAP_L3_IPV6) !== 0) skb.protocol = ETH_P_IPV6;
  return 0;
}

export const ADJUST_ROOM: Helper = helper('skb_adjust_room', ['context', 'u32', 'u32', 'u64'], adjustRoom, {
  programs: TC,
});
