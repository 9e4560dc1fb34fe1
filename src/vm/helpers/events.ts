/** Helpers that send records to user space. */

import {
  BPF_F_INDEX_MASK,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_RB_FORCE_WAKEUP,
  BPF_RB_NO_WAKEUP,
  E2BIG,
  EAGAIN,
  EFAULT,
  EINVAL,
} from '../../uapi/index.ts';
import { RingBufferStore } from '../maps/index.ts';
import { copyBytes, type MachineState } from '../state/index.ts';
import { type Helper, helper } from './spec.ts';

const WAKEUP_FLAGS = BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP;

function ringOf(machine: MachineState, map: number): RingBufferStore | undefined {
  const store = machine.maps[map];
  return store instanceof RingBufferStore ? store : undefined;
}

function output(machine: MachineState, map: number, data: number, size: number, flags: number): number {
  const ring = ringOf(machine, map);
  if (ring === undefined || (flags & ~WAKEUP_FLAGS) !== 0) return -EINVAL;
  const at = ring.reserve(size >>> 0);
  if (at === 0) return -EAGAIN;
  copyBytes(machine.memory, at, data, size >>> 0);
  ring.finish(at, false);
  return 0;
}

function reserve(machine: MachineState, map: number, low: number, high: number, flags: number): number {
  if (flags !== 0 || high !== 0) return 0;
  return ringOf(machine, map)?.reserve(low >>> 0) ?? 0;
}

/** Ends a record. */
function finish(machine: MachineState, sample: number, discard: boolean, site: number): number {
  for (const store of machine.maps) {
    if (store instanceof RingBufferStore && store.finish(sample, discard)) return 0;
  }
  const message = `is given 0x${(sample >>> 0).toString(16)}, where no reserved record is`;
  return machine.fail(site, 'vm-ring-record', message);
}

function query(machine: MachineState, map: number, flags: number): number {
  const ring = ringOf(machine, map);
  if (ring === undefined) return 0;
  switch (flags) {
    case 0: // BPF_RB_AVAIL_DATA
      return ring.available;
    case 1: // BPF_RB_RING_SIZE
      return ring.size;
    case 3: // BPF_RB_PROD_POS
      return ring.available;
    default: // BPF_RB_CONS_POS, and what the kernel does not know
      return 0;
  }
}

/** `flagsHigh` asks for that many bytes of the packet behind the record. */
function perfOutput(
  machine: MachineState,
  map: number,
  flagsLow: number,
  flagsHigh: number,
  data: number,
  size: number,
): number {
  const store = machine.maps[map];
  if (store?.definition.type !== BPF_MAP_TYPE_PERF_EVENT_ARRAY) return -EINVAL;
  const index = flagsLow >>> 0;
  const packetBytes = flagsHigh >>> 0;
  if (packetBytes > 0xfffff) return -EINVAL;
  if (index !== BPF_F_INDEX_MASK && index >= store.definition.maxEntries) return -E2BIG;
  if (packetBytes > machine.packet.length) return -EFAULT;
  const record = new Uint8Array((size >>> 0) + packetBytes);
  record.set(machine.memory.bytes.subarray(data, data + (size >>> 0)));
  const start = machine.packet.data;
  record.set(machine.memory.bytes.subarray(start, start + packetBytes), size >>> 0);
  machine.event({ map: store.definition.name, data: record });
  return 0;
}

export const EVENT_HELPERS: readonly Helper[] = [
  helper('ringbuf_output', ['map', 'memory', 'size', 'flags'], output),
  helper('ringbuf_reserve', ['map', 'u64', 'flags'], reserve, {
    returns: 'u32',
    note: 'records are taken out when the run ends',
  }),
  helper(
    'ringbuf_submit',
    ['address', 'ignored'],
    (machine, sample = 0, site = 0) => finish(machine, sample, false, site),
    { extra: 'site' },
  ),
  helper(
    'ringbuf_discard',
    ['address', 'ignored'],
    (machine, sample = 0, site = 0) => finish(machine, sample, true, site),
    { extra: 'site' },
  ),
  helper('ringbuf_query', ['map', 'flags'], query, { returns: 'f64' }),
  helper('perf_event_output', ['context', 'map', 'u64', 'memory', 'size'], perfOutput, {
    note: 'every CPU has a reader',
  }),
];
