/**
 * Whether the kernel takes a map definition: the rules that hold for all types, those of the type, and those
 * of the inner map. The one place that linking, loading and the machine ask.
 */

import type { Btf } from '../../btf/index.ts';
import * as uapi from '../../uapi/index.ts';
import { isMapOfMaps, MAP_KINDS } from './kinds.ts';
import { type MapRule, NO_NODE, refusal } from './rules.ts';
import type { MapMachine, MapRefusal, MapShape } from './shape.ts';
import { typesRefusal } from './types.ts';

const NOTHING: readonly MapRefusal[] = [];

/**
 * Every reason why BPF_MAP_CREATE refuses the map, the kernel's first reason first; none when it takes it.
 * For a map of maps these are the reasons of its inner map too, which is created before it. `btf` has the types
 * of key and value.
 */
export function mapRefusals(
  shape: MapShape,
  machine: MapMachine,
  btf: Btf | null = null,
): readonly MapRefusal[] {
  const kind = MAP_KINDS.get(shape.type);
  if (kind === undefined) {
    return [
      refusal('type', `has type ${shape.type}, which is not known`, 'use a BPF_MAP_TYPE_… of linux/bpf.h'),
    ];
  }
  const inner =
    shape.inner !== null && isMapOfMaps(shape.type) ? innerRefusals(shape.inner, machine, btf) : [];
  const own = [...COMMON, ...kind.rules].flatMap(rule => {
    const broken = rule(shape, machine);
    return broken === undefined ? NOTHING : [broken];
  });
  const typed =
    own.length > 0 || kind.typesRequired !== true || btf === null ? [] : typesRequired(shape, btf);
  return [
    ...inner,
    ...typed,
    ...own.filter((one, at) => own.findIndex(other => sameReason(one, other)) === at),
  ];
}

function typesRequired(shape: MapShape, btf: Btf): readonly MapRefusal[] {
  const reason = typesRefusal(shape, btf);
  if (reason === undefined) return [];
  const remedy = `${uapi.mapTypeName(shape.type)} maps have keys of type int`;
  return [refusal('key', `has types that the kernel refuses: ${reason}`, remedy)];
}

function sameReason(a: MapRefusal, b: MapRefusal): boolean {
  return a.field === b.field && a.message === b.message;
}

function innerRefusals(inner: MapShape, machine: MapMachine, btf: Btf | null): readonly MapRefusal[] {
  if (isMapOfMaps(inner.type)) return [];
  return mapRefusals(inner, machine, btf).map(one => ({
    ...one,
    inInner: true,
    message: `has an inner map that ${one.message}`,
  }));
}

/** Types whose map_extra has a meaning. */
const WITH_EXTRA = new Set([uapi.BPF_MAP_TYPE_BLOOM_FILTER, uapi.BPF_MAP_TYPE_ARENA]);

const noExtra: MapRule = ({ type, mapExtra }) =>
  mapExtra === 0n || WITH_EXTRA.has(type)
    ? undefined
    : refusal(
        'map_extra',
        `has map_extra ${mapExtra}`,
        `${uapi.mapTypeName(type)} maps have no map_extra: remove it from the definition`,
      );

const ONE_WAY = uapi.BPF_F_RDONLY | uapi.BPF_F_WRONLY;

const someAccess: MapRule = ({ flags }) =>
  (flags & ONE_WAY) === ONE_WAY
    ? refusal(
        'map_flags',
        'has BPF_F_RDONLY | BPF_F_WRONLY: user space could not access it',
        'remove one of the two flags',
      )
    : undefined;

const onlineNode: MapRule = ({ flags, numaNode }, { nodes }) => {
  const none = (flags & uapi.BPF_F_NUMA_NODE) === 0 || numaNode === NO_NODE;
  if (none || nodes.includes(numaNode)) return undefined;
  const remedy = `online are ${nodes.join(', ')}; or remove BPF_F_NUMA_NODE from map_flags`;
  return refusal('numa_node', `is on NUMA node ${numaNode}, which is not online`, remedy);
};

const COMMON: readonly MapRule[] = [noExtra, someAccess, onlineNode];
