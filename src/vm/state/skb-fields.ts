/** `struct __sk_buff`: where its fields are, and which kind of program may read and write which. */

import type { MachineMemory } from './memory.ts';
import { READ, WRITE } from './memory-model.ts';
import type { ProgramKind } from './program-kind.ts';

/** Byte offsets in struct __sk_buff (linux/bpf.h). u32 each, unless the comment says otherwise. */
export const SKB_FIELD = {
  len: 0,
  pkt_type: 4,
  mark: 8,
  queue_mapping: 12,
  protocol: 16,
  vlan_present: 20,
  vlan_tci: 24,
  vlan_proto: 28,
  priority: 32,
  ingress_ifindex: 36,
  ifindex: 40,
  tc_index: 44,
  /** 5 u32 */
  cb: 48,
  hash: 68,
  tc_classid: 72,
  data: 76,
  data_end: 80,
  napi_id: 84,
  family: 88,
  local_port: 136,
  data_meta: 140,
  /** pointer */
  flow_keys: 144,
  /** u64 */
  tstamp: 152,
  wire_len: 160,
  gso_segs: 164,
  /** pointer */
  sk: 168,
  gso_size: 176,
  /** u8, then padding */
  tstamp_type: 180,
  /** u64 */
  hwtstamp: 184,
} as const;
export const SKB_SIZE = 192;

type Range = readonly [start: number, size: number];

/** What the verifier forbids each kind to read; padding and `flow_keys` are forbidden to all. */
const HIDDEN: Readonly<Record<Exclude<ProgramKind, 'xdp'>, readonly Range[]>> = {
  tc: [[SKB_FIELD.family, SKB_FIELD.data_meta - SKB_FIELD.family]],
  socket: [
    [SKB_FIELD.tc_classid, 12],
    [SKB_FIELD.family, SKB_FIELD.data_meta + 4 - SKB_FIELD.family],
    [SKB_FIELD.tstamp, 12],
    [SKB_FIELD.hwtstamp, 8],
  ],
  'cgroup-skb': [
    [SKB_FIELD.tc_classid, 4],
    [SKB_FIELD.data_meta, 4],
    [SKB_FIELD.wire_len, 4],
  ],
};
const WRITABLE: Readonly<Record<Exclude<ProgramKind, 'xdp'>, readonly Range[]>> = {
  tc: [
    [SKB_FIELD.mark, 8],
    [SKB_FIELD.priority, 4],
    [SKB_FIELD.tc_index, 24],
    [SKB_FIELD.tc_classid, 4],
    [SKB_FIELD.tstamp, 8],
  ],
  socket: [[SKB_FIELD.cb, 20]],
  'cgroup-skb': [
    [SKB_FIELD.mark, 4],
    [SKB_FIELD.priority, 4],
    [SKB_FIELD.cb, 20],
    [SKB_FIELD.tstamp, 8],
  ],
};

/** Gives the context of a program of that kind its permissions. */
export function permitSkb(memory: MachineMemory, context: number, kind: Exclude<ProgramKind, 'xdp'>): void {
  memory.permit(context, SKB_SIZE, READ);
  for (const [start, size] of [
    ...HIDDEN[kind],
    [SKB_FIELD.flow_keys, 8],
    [SKB_FIELD.tstamp_type + 1, 3],
  ] as const) {
    memory.permit(context + start, size, 0);
  }
  for (const [start, size] of WRITABLE[kind]) memory.permit(context + start, size, READ | WRITE);
}
