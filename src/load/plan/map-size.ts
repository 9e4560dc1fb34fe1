/** Sizes of maps that depend on the machine. */

import { pageSize, possibleCpus } from '../../kernel/index.ts';
import {
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_USER_RINGBUF,
} from '../../uapi/index.ts';
import type { MapPlan } from './plan.ts';

/**
 * max_entries for the kernel: one perf buffer for each CPU, ring buffers in whole pages and powers of two.
 */
export function maxEntriesOf(plan: MapPlan): number {
  if (plan.type === BPF_MAP_TYPE_PERF_EVENT_ARRAY && plan.maxEntries === 0) return possibleCpus();
  if (plan.type !== BPF_MAP_TYPE_RINGBUF && plan.type !== BPF_MAP_TYPE_USER_RINGBUF) return plan.maxEntries;
  return ringBufferSize(plan.maxEntries, pageSize());
}

/** Smallest size that the kernel takes and that holds `size` bytes; 0 stays 0, which the kernel refuses. */
export function ringBufferSize(size: number, page: number): number {
  if (size === 0) return 0;
  let fitting = page;
  while (fitting < size && fitting < 2 ** 31) fitting *= 2;
  return fitting;
}
