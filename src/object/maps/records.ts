/** Maps that hold no values of their own, but pass records on to user space. */

import { type Btf, type BtfId, skipModifiers } from '../../btf/index.ts';
import {
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_USER_RINGBUF,
} from '../../uapi/index.ts';

const RECORDS: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_USER_RINGBUF,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
]);

/** Whether user space reads or writes records of the map instead of elements. */
export function holdsRecords(type: number): boolean {
  return RECORDS.has(type);
}

/**
 * The type of the records of a map, which its definition gives as that of the values; 0 where it gives none. An
 * integer of 4 bytes in a perf event array is the descriptor that the kernel has there.
 */
export function recordType(btf: Btf | null, type: number, valueType: BtfId): BtfId {
  if (btf === null || valueType === 0 || !holdsRecords(type)) return 0;
  const resolved = skipModifiers(btf, valueType);
  if (resolved === 0) return 0;
  const value = btf.type(resolved);
  const isDescriptor = value.kind === 'int' && value.size === 4;
  return type === BPF_MAP_TYPE_PERF_EVENT_ARRAY && isDescriptor ? 0 : valueType;
}
