/** Helpers on the packet of an XDP program. */

import { EACCES, EFAULT, EINVAL } from '../../uapi/index.ts';
import { copyBytes, ETH_HLEN, type MachineState, XDP } from '../state/index.ts';
import { type Helper, helper } from './spec.ts';

/** Metadata is counted in whole u32, at most this many bytes. */
const MAX_META = 255;
/** Larger offsets and lengths are refused before anything is looked at. */
const MAX_POINTER = 0xffff;

function adjustHead(machine: MachineState, offset: number): number {
  const { packet, memory } = machine;
  const metaLength = packet.data - packet.meta;
  const data = packet.data + offset;
  if (data < packet.xdpStart + metaLength || data > packet.end - ETH_HLEN) return -EINVAL;
  const [oldMeta, oldData] = [packet.meta, packet.data];
  packet.setBounds(oldMeta + offset, data, packet.end);
  if (metaLength > 0) memory.bytes.copyWithin(oldMeta + offset, oldMeta, oldData);
  machine.syncContext();
  return 0;
}

function adjustTail(machine: MachineState, offset: number): number {
  const { packet, memory } = machine;
  const end = packet.end + offset;
  if (end > packet.xdpEnd || end < packet.data + ETH_HLEN) return -EINVAL;
  if (offset > 0) memory.bytes.fill(0, packet.end, end);
  packet.setBounds(packet.meta, packet.data, end);
  machine.syncContext();
  return 0;
}

function adjustMeta(machine: MachineState, offset: number): number {
  const { packet } = machine;
  const meta = packet.meta + offset;
  if (meta < packet.xdpStart || meta > packet.data) return -EINVAL;
  const length = packet.data - meta;
  if (length % 4 !== 0 || length > MAX_META) return -EACCES;
  packet.setBounds(meta, packet.data, packet.end);
  machine.syncContext();
  return 0;
}

/** Address of packet bytes, or a negative errno. */
function pointer(machine: MachineState, offset: number, length: number): number {
  const [from, size] = [offset >>> 0, length >>> 0];
  if (from > MAX_POINTER || size > MAX_POINTER) return -EFAULT;
  return from + size > machine.packet.length ? -EINVAL : machine.packet.data + from;
}

function loadBytes(machine: MachineState, offset: number, to: number, length: number): number {
  const from = pointer(machine, offset, length);
  if (from < 0) return from;
  copyBytes(machine.memory, to, from, length >>> 0);
  return 0;
}

function storeBytes(machine: MachineState, offset: number, from: number, length: number): number {
  const to = pointer(machine, offset, length);
  if (to < 0) return to;
  copyBytes(machine.memory, to, from, length >>> 0);
  return 0;
}

const options = { programs: XDP };

export const XDP_HELPERS: readonly Helper[] = [
  helper('xdp_adjust_head', ['context', 'u32'], adjustHead, options),
  helper('xdp_adjust_tail', ['context', 'u32'], adjustTail, options),
  helper('xdp_adjust_meta', ['context', 'u32'], adjustMeta, options),
  helper('xdp_get_buff_len', ['context'], machine => machine.packet.length, options),
  helper('xdp_load_bytes', ['context', 'u32', 'memory-out', 'size'], loadBytes, options),
  helper('xdp_store_bytes', ['context', 'u32', 'memory', 'size'], storeBytes, options),
];
