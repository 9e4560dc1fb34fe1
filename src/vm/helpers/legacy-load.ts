/**
 * What the packet load instructions of classic BPF (`ld_abs`, `ld_ind`) do; to compiled code it looks like a
 * helper.
 */

import type { MachineState } from '../state/index.ts';
import type { Helper } from './spec.ts';

/**
 * Offsets from here on are relative to the network header, from the second one on to the link-layer header.
 */
const SKF_NET_OFF = -0x100000;
const SKF_LL_OFF = -0x200000;

/** Address for an offset, which is negative for the two special bases. */
function addressOf(machine: MachineState, offset: number): number {
  const { packet, skb } = machine;
  if (offset >= 0) return packet.data + offset;
  if (offset >= SKF_NET_OFF) return skb.networkHeader + offset - SKF_NET_OFF;
  return offset >= SKF_LL_OFF ? skb.macHeader + offset - SKF_LL_OFF : -1;
}

function load(machine: MachineState, offset: number, size: number): number {
  const at = addressOf(machine, offset);
  if (at < machine.skb.macHeader || at + size > machine.packet.end) return -1;
  const { view } = machine.memory;
  if (size === 1) return view.getUint8(at);
  return size === 2 ? view.getUint16(at, false) : view.getUint32(at, false);
}

/** (offset, size) → the value in network order, or -1 when it is not in the packet. */
export const LOAD_PACKET: Helper = {
  id: -1,
  name: 'packet load',
  args: ['u32', 'u32'],
  returns: 'f64',
  programs: null,
  extra: null,
  run: load,
  note: '',
};
