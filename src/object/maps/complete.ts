/**
 * What loaders complete in a definition before they create the map.
 *
 * libbpf: the entries of a perf event array (one for each CPU) and the size of rings (whole pages, a power of
 * two). cilium/ebpf: the entries of a cpumap, and value types of maps without values, which are there for
 * tools that generate code (bpf2go). Objects of both loaders rely on it.
 */

import * as uapi from '../../uapi/index.ts';
import type { MapMachine, MapShape } from './shape.ts';

const RINGS: ReadonlySet<number> = new Set([uapi.BPF_MAP_TYPE_RINGBUF, uapi.BPF_MAP_TYPE_USER_RINGBUF]);
/** One entry for each CPU, when nothing else is given. */
const ONE_A_CPU: ReadonlySet<number> = new Set([
  uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  uapi.BPF_MAP_TYPE_CPUMAP,
]);
/** Bytes of values whose type is for tools only. */
const FIXED_VALUES: ReadonlyMap<number, number> = new Map([
  [uapi.BPF_MAP_TYPE_RINGBUF, 0],
  [uapi.BPF_MAP_TYPE_USER_RINGBUF, 0],
  [uapi.BPF_MAP_TYPE_ARENA, 0],
  [uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4],
]);

/**
 * The size of values for the kernel: rings, perf event arrays and arenas do not hold values of the map,
 * and a type that the definition gives them is for tools. A size without a type stays as it is.
 */
export function kernelValueSize(shape: Pick<MapShape, 'type' | 'valueSize' | 'valueType'>): number {
  if (shape.valueType === 0) return shape.valueSize;
  return FIXED_VALUES.get(shape.type) ?? shape.valueSize;
}

/** Whether max_entries 0 means one entry for each CPU. */
export function countsCpus({ type, maxEntries }: Pick<MapShape, 'type' | 'maxEntries'>): boolean {
  return maxEntries === 0 && ONE_A_CPU.has(type);
}

/** max_entries for the kernel on this machine. */
export function kernelEntries(
  map: Pick<MapShape, 'type' | 'maxEntries'>,
  { cpus, pageSize }: Pick<MapMachine, 'cpus' | 'pageSize'>,
): number {
  if (countsCpus(map)) return cpus;
  return RINGS.has(map.type) ? ringSize(map.maxEntries, pageSize) : map.maxEntries;
}

/** Smallest size of a ring that the kernel takes and that holds `size` bytes; 0 stays 0. */
export function ringSize(size: number, page: number): number {
  if (size === 0) return 0;
  let fitting = page;
  while (fitting < size && fitting < 2 ** 31) fitting *= 2;
  return fitting;
}

/** The definition as a loader gives it to the kernel. */
export function completeMap<Shape extends MapShape>(shape: Shape, machine: MapMachine): Shape {
  return { ...shape, valueSize: kernelValueSize(shape), maxEntries: kernelEntries(shape, machine) };
}
