/** Creating the maps of a plan, and giving them their initial contents. */

import { given } from '../../bytes/index.ts';
import { type Problem, quote, RootletError, usageError, within } from '../../diag/index.ts';
import {
  BpfMap,
  describeMap,
  encodeU32s,
  Fd,
  type MapSpec,
  openById,
  probeMapType,
  type Sys,
  syscallError,
  tryCreateMap,
} from '../../kernel/index.ts';
import { BPF_MAP_TYPE_ARENA, EINVAL, ENOENT, errnoText, mapTypeName } from '../../uapi/index.ts';
import {
  type InitialEntry,
  type LoadPlan,
  type MapPlan,
  mapPlace,
  mapProblems,
  maxEntriesOf,
  type OperationsPlan,
} from '../plan/index.ts';
import type { Cleanup } from './cleanup.ts';
import { openPinnedMap, pinPathOf, requireSameShape } from './map-reuse.ts';
import { isPinned, pinMap } from './pins.ts';

export interface MapContext {
  readonly sys: Sys;
  readonly plan: LoadPlan;
  readonly btf: Fd | null;
  /** Null: nothing is pinned, and no pin is used. */
  readonly pinRoot: string | null;
  readonly reuse: (map: MapPlan) => BpfMap | undefined;
  readonly cleanup: Cleanup;
}

/**
 * A map of a plan in the kernel. Initial contents are for maps that this load created: others have contents
 * already.
 */
export interface ObtainedMap {
  readonly map: BpfMap;
  readonly origin: 'created' | 'pinned' | 'given';
  /** Created without types of key and value, because the kernel refuses them. */
  readonly untyped: boolean;
  /** Removes the pin by name that this load made. */
  readonly unpin?: () => void;
}

/** Creates or finds every map, contents written and frozen as planned. All are registered for cleanup. */
export function createMaps(context: MapContext): ObtainedMap[] {
  const { plan } = context;
  const obtained = plan.maps.map(mapPlan => obtainMap(context, mapPlan));
  const maps = obtained.map(({ map }) => map);
  plan.maps.forEach((mapPlan, index) => {
    const one = obtained[index];
    if (one?.origin === 'created') setMapEntries(one.map, mapPlan.initial, maps);
  });
  return obtained;
}

/** The caller's map, else the pinned one, else a new one, which is then pinned if it asks for it. */
function obtainMap(context: MapContext, plan: MapPlan): ObtainedMap {
  const { sys, cleanup } = context;
  const existing = context.reuse(plan);
  if (existing !== undefined) {
    cleanup.own(existing);
    requireSameShape(existing, plan, 'given by the caller');
    return { map: existing, origin: 'given', untyped: false };
  }
  const path = context.pinRoot === null ? undefined : pinPathOf(plan, context.pinRoot, context.plan.source);
  const pinned = path === undefined ? undefined : openPinnedMap(sys, path, plan);
  if (pinned !== undefined) return { map: cleanup.own(pinned), origin: 'pinned', untyped: false };
  const { map, untyped } = createNew(context, plan);
  cleanup.own(map);
  const unpin = within(`map ${quote(plan.name)}`, () => {
    fill(map, plan);
    return path === undefined ? undefined : pinMap(map, path);
  });
  if (unpin !== undefined) cleanup.defer(unpin);
  return { map, origin: 'created', untyped, ...given({ unpin }) };
}

/** A map that was created, and whether it has no types because the kernel refuses them. */
type NewMap = Pick<ObtainedMap, 'map' | 'untyped'>;

/**
 * Creates the map. When the kernel refuses it and the rules of its type have the reason, the error has the
 * reasons of every map that is still to be created, so that all of them can be repaired at once.
 */
function createNew(context: MapContext, map: MapPlan): NewMap {
  try {
    return createMap(context.sys, map, context.btf);
  } catch (error) {
    if (!(error instanceof RootletError) || error.code !== 'kernel-map-create') throw error;
    const reasons = mapProblems(context.plan, map);
    if (reasons.length === 0)
      throw new RootletError(error.problems.map(one => placed(context.plan, map, one)));
    throw new RootletError([...reasons, ...problemsAfter(context, map)]);
  }
}

function placed(plan: LoadPlan, map: MapPlan, one: Problem): Problem {
  const message = `creating it (${describeMap(specOf(map, null))}): ${errnoText(one.errno ?? EINVAL)}`;
  return { ...one, where: mapPlace(plan, map), subject: map.name, message };
}

/** Of the maps after `map` that would be created. */
function problemsAfter({ plan, sys, reuse, cleanup, pinRoot }: MapContext, map: MapPlan): readonly Problem[] {
  return plan.maps.slice(plan.maps.indexOf(map) + 1).flatMap(other => {
    const existing = reuse(other);
    if (existing !== undefined) cleanup.own(existing);
    const path = pinRoot === null ? undefined : pinPathOf(other, pinRoot, plan.source);
    const exists = existing !== undefined || (path !== undefined && isPinned(sys, path));
    return exists ? [] : mapProblems(plan, other);
  });
}

function createMap(sys: Sys, plan: MapPlan, btf: Fd | null): NewMap {
  if (plan.operations !== undefined) {
    return { map: createTable(sys, plan, plan.operations, btf), untyped: false };
  }
  const inner = plan.inner === null ? null : createMap(sys, plan.inner, btf).map;
  try {
    return createOne(sys, {
      ...specOf(plan, btf),
      ...(inner === null ? {} : { innerMapFd: inner.fd.number }),
    });
  } finally {
    inner?.close();
  }
}

/** The map of a struct_ops map: its value is of a type of the kernel's, vmlinux's or a module's. */
function createTable(sys: Sys, plan: MapPlan, operations: OperationsPlan, btf: Fd | null): BpfMap {
  const { valueType, btfObject } = operations;
  const module = btfObject === 0 ? undefined : openById(sys, 'btf', btfObject);
  if (btfObject !== 0 && module === undefined) {
    const what = `opening the types of module BTF ${btfObject}`;
    throw syscallError('kernel-module-gone', [`map ${quote(plan.name)}`], what, -ENOENT);
  }
  try {
    return createOrExplain(sys, {
      ...specOf(plan, btf),
      ...(btf === null ? {} : { btfFd: btf.number }),
      vmlinuxValueTypeId: valueType,
      ...given({ valueTypeBtfFd: module?.number }),
    });
  } finally {
    module?.close();
  }
}

/**
 * Types of key and value are for tools only; kernels and map types that do not support them get the map
 * without.
 */
function createOne(sys: Sys, spec: MapSpec): NewMap {
  if (spec.btfFd === undefined) return { map: createOrExplain(sys, spec), untyped: false };
  const result = tryCreateMap(sys, spec);
  if (result >= 0) return { map: BpfMap.fromFd(sys, Fd.adopt(sys, result), spec), untyped: false };
  const { btfFd: _btf, keyTypeId: _key, valueTypeId: _value, ...bare } = spec;
  return { map: createOrExplain(sys, bare), untyped: true };
}

/** The kernel may not support this map type at all: this is reported after probing with the smallest map. */
export function createOrExplain(sys: Sys, spec: MapSpec): BpfMap {
  try {
    return BpfMap.create(sys, spec);
  } catch (error) {
    if (!(error instanceof RootletError) || probeMapType(sys, spec.type).state !== 'no') throw error;
    const hint = `this kernel has no maps of type ${mapTypeName(spec.type)}`;
    throw new RootletError(error.problems.map(problem => ({ ...problem, hint })));
  }
}

function specOf(plan: MapPlan, btf: Fd | null): MapSpec {
  const typed = btf !== null && plan.typed;
  return {
    name: plan.kernelName,
    type: plan.type,
    keySize: plan.keySize,
    valueSize: plan.valueSize,
    maxEntries: maxEntriesOf(plan),
    flags: plan.flags,
    mapExtra: plan.mapExtra,
    numaNode: plan.numaNode,
    ...(typed ? { btfFd: btf.number, keyTypeId: plan.keyType, valueTypeId: plan.valueType } : {}),
  };
}

const FIRST = new Uint8Array(4);

function fill(map: BpfMap, plan: MapPlan): void {
  if (plan.type === BPF_MAP_TYPE_ARENA) {
    // Programs are verified against the arena's address, which is chosen when it is first mapped.
    map.arena(plan.mapExtra, plan.contents?.length ?? 0).set(plan.contents ?? []);
  } else if (plan.contents !== null) map.update(FIRST, plan.contents);
  if (plan.frozen) map.freeze();
}

function setMapEntries(map: BpfMap, entries: readonly InitialEntry[], maps: readonly BpfMap[]): void {
  for (const { index, target } of entries) {
    const value = target.kind === 'map' ? maps[target.map] : undefined;
    if (value !== undefined) map.update(indexKey(index, map.keySize), encodeU32s([value.fd.number]));
  }
}

/** An index as the key of a map: the keys of a hash table of maps have any size. */
function indexKey(index: number, keySize: number): Uint8Array {
  const key = new Uint8Array(keySize);
  key.set(encodeU32s([index]).subarray(0, keySize));
  return key;
}

/** Initial entries of program arrays. Throws `load-map-entry` for a program that was not loaded. */
export function setProgramEntries(
  map: BpfMap,
  plan: MapPlan,
  fdOf: (program: string) => number | undefined,
): void {
  for (const { index, target } of plan.initial) {
    if (target.kind !== 'program') continue;
    const fd = fdOf(target.program);
    if (fd === undefined) {
      const message = `entry ${index} is ${quote(target.program)}, which is not loaded`;
      throw usageError('load-map-entry', `map ${quote(plan.name)}: ${message}`);
    }
    within(`map ${quote(plan.name)}`, () => map.update(encodeU32s([index]), encodeU32s([fd])));
  }
}
