/** `struct __sk_buff`: which kind of program may read and write which of its fields. */

import { SK_BUFF_FIELD, SK_BUFF_SIZE } from '../../uapi/index.ts';
import type { MachineMemory } from './memory.ts';
import { READ, WRITE } from './memory-model.ts';
import type { ProgramKind } from './program-kind.ts';

type Range = readonly [start: number, size: number];

/** What the verifier forbids each kind to read; padding and `flow_keys` are forbidden to all. */
const HIDDEN: Readonly<Record<Exclude<ProgramKind, 'xdp'>, readonly Range[]>> = {
  tc: [[SK_BUFF_FIELD.family, SK_BUFF_FIELD.data_meta - SK_BUFF_FIELD.family]],
  socket: [
    [SK_BUFF_FIELD.tc_classid, 12],
    [SK_BUFF_FIELD.family, SK_BUFF_FIELD.data_meta + 4 - SK_BUFF_FIELD.family],
    [SK_BUFF_FIELD.tstamp, 12],
    [SK_BUFF_FIELD.hwtstamp, 8],
  ],
  'cgroup-skb': [
    [SK_BUFF_FIELD.tc_classid, 4],
    [SK_BUFF_FIELD.data_meta, 4],
    [SK_BUFF_FIELD.wire_len, 4],
  ],
};
const WRITABLE: Readonly<Record<Exclude<ProgramKind, 'xdp'>, readonly Range[]>> = {
  tc: [
    [SK_BUFF_FIELD.mark, 8],
    [SK_BUFF_FIELD.priority, 4],
    [SK_BUFF_FIELD.tc_index, 24],
    [SK_BUFF_FIELD.tc_classid, 4],
    [SK_BUFF_FIELD.tstamp, 8],
  ],
  socket: [[SK_BUFF_FIELD.cb, 20]],
  'cgroup-skb': [
    [SK_BUFF_FIELD.mark, 4],
    [SK_BUFF_FIELD.priority, 4],
    [SK_BUFF_FIELD.cb, 20],
    [SK_BUFF_FIELD.tstamp, 8],
  ],
};

/** Gives the context of a program of that kind its permissions. */
export function permitSkb(memory: MachineMemory, context: number, kind: Exclude<ProgramKind, 'xdp'>): void {
  memory.permit(context, SK_BUFF_SIZE, READ);
  for (const [start, size] of [
    ...HIDDEN[kind],
    [SK_BUFF_FIELD.flow_keys, 8],
    [SK_BUFF_FIELD.tstamp_type + 1, 3],
  ] as const) {
    memory.permit(context + start, size, 0);
  }
  for (const [start, size] of WRITABLE[kind]) memory.permit(context + start, size, READ | WRITE);
}
