/** Creating the maps of a plan, and giving them their initial contents. */

import { quote, within } from '../diag/index.ts';
import { Fd } from '../kernel/fd.ts';
import { pageSize, possibleCpus } from '../kernel/machine.ts';
import { BpfMap, type MapSpec, tryCreateMap } from '../kernel/map.ts';
import { encodeU32s, type Sys } from '../kernel/sys.ts';
import {
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_USER_RINGBUF,
} from '../object/uapi.ts';
import type { Cleanup } from './cleanup.ts';
import type { InitialEntry, LoadPlan, MapPlan } from './plan.ts';

/** Creates every map, contents written and frozen where the plan says so. All are registered with `cleanup`. */
export function createMaps(
  sys: Sys,
  plan: LoadPlan,
  btf: Fd | null,
  reuse: (map: MapPlan) => BpfMap | undefined,
  cleanup: Cleanup,
): BpfMap[] {
  const maps = plan.maps.map(mapPlan => {
    const reused = reuse(mapPlan);
    if (reused !== undefined) return cleanup.own(reused);
    const map = cleanup.own(createMap(sys, mapPlan, btf));
    within(`map ${quote(mapPlan.name)}`, () => fill(map, mapPlan));
    return map;
  });
  plan.maps.forEach((mapPlan, index) => {
    const map = maps[index];
    if (map !== undefined) setMapEntries(map, mapPlan.initial, maps);
  });
  return maps;
}

function createMap(sys: Sys, plan: MapPlan, btf: Fd | null): BpfMap {
  const inner = plan.inner === null ? null : createMap(sys, plan.inner, btf);
  try {
    return createOne(sys, {
      ...specOf(plan, btf),
      ...(inner === null ? {} : { innerMapFd: inner.fd.number }),
    });
  } finally {
    inner?.close();
  }
}

/** Types of key and value only serve people; kernels and map types that do not take them get the map without. */
function createOne(sys: Sys, spec: MapSpec): BpfMap {
  if (spec.btfFd === undefined) return BpfMap.create(sys, spec);
  const result = tryCreateMap(sys, spec);
  if (result >= 0) return BpfMap.fromFd(sys, Fd.adopt(sys, result), spec);
  const { btfFd: _btf, keyTypeId: _key, valueTypeId: _value, ...bare } = spec;
  return BpfMap.create(sys, bare);
}

function specOf(plan: MapPlan, btf: Fd | null): MapSpec {
  const typed = btf !== null && (plan.keyType !== 0 || plan.valueType !== 0);
  return {
    name: plan.kernelName,
    type: plan.type,
    keySize: plan.keySize,
    valueSize: plan.valueSize,
    maxEntries: entriesOf(plan),
    flags: plan.flags,
    mapExtra: plan.mapExtra,
    numaNode: plan.numaNode,
    ...(typed ? { btfFd: btf.number, keyTypeId: plan.keyType, valueTypeId: plan.valueType } : {}),
  };
}

/** Sizes that depend on the machine: one perf buffer for each CPU, ring buffers in whole pages and powers of two. */
function entriesOf(plan: MapPlan): number {
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

const FIRST = new Uint8Array(4);

function fill(map: BpfMap, plan: MapPlan): void {
  if (plan.contents !== null) map.update(FIRST, plan.contents);
  if (plan.frozen) map.freeze();
}

function setMapEntries(map: BpfMap, entries: readonly InitialEntry[], maps: readonly BpfMap[]): void {
  for (const { index, target } of entries) {
    const value = target.kind === 'map' ? maps[target.map] : undefined;
    if (value !== undefined) map.update(encodeU32s([index]), encodeU32s([value.fd.number]));
  }
}

/** Initial entries of program arrays; programs that were not loaded leave theirs empty. */
export function setProgramEntries(
  map: BpfMap,
  entries: readonly InitialEntry[],
  fdOf: (program: string) => number | undefined,
): void {
  for (const { index, target } of entries) {
    const fd = target.kind === 'program' ? fdOf(target.program) : undefined;
    if (fd !== undefined) map.update(encodeU32s([index]), encodeU32s([fd]));
  }
}
