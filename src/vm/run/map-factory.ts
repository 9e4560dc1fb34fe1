/** The machine's maps: from definitions to stores with memory, in two steps around the layout of memory. */

import { valueAt } from '../../bytes/index.ts';
import { inputError, type Problem, problem, quote } from '../../diag/index.ts';
import {
  type BpfObject,
  completeMap,
  type MapDefinition,
  type MapMachine,
  mapRefusals,
} from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';
import { E2BIG, EINVAL } from '../../uapi/index.ts';
import {
  ArrayStore,
  arrayStride,
  BloomStore,
  chunkReach,
  chunkTableSize,
  HashOfMapsStore,
  HashStore,
  hashStride,
  LpmTrieStore,
  QueueMapStore,
  queueStride,
  ReferenceArrayStore,
  type ResolveSlot,
  RingBufferStore,
  ringReach,
  SparseArrayStore,
  slotStride,
  trieNodes,
  trieStride,
} from '../maps/index.ts';
import type { Element, MapStore, StoreEnv } from '../state/index.ts';

/** How one type of map is made. */
interface MapKind {
  /** Distance of elements; of a ring its size. */
  stride(definition: MapDefinition): number;
  /** Elements that there can be. */
  count(definition: MapDefinition): number;
  create(env: StoreEnv, resolve: ResolveSlot): MapStore;
}

const none = () => 0;

function kind(
  stride: (definition: MapDefinition) => number,
  create: (env: StoreEnv, resolve: ResolveSlot) => MapStore,
  count: (definition: MapDefinition) => number = definition => definition.maxEntries,
): MapKind {
  return { stride, create, count };
}

const ARRAY = kind(arrayStride, env => new ArrayStore(env));
const HASH = kind(hashStride, env => new HashStore(env));
const SPARSE = kind(slotStride, env => new SparseArrayStore(env));
const REFERENCES = kind(slotStride, (env, resolve) => new ReferenceArrayStore(env, resolve));
const QUEUE = kind(queueStride, env => new QueueMapStore(env));

const KINDS = new Map<number, MapKind>([
  [uapi.BPF_MAP_TYPE_ARRAY, ARRAY],
  [uapi.BPF_MAP_TYPE_PERCPU_ARRAY, ARRAY],
  [uapi.BPF_MAP_TYPE_HASH, HASH],
  [uapi.BPF_MAP_TYPE_PERCPU_HASH, HASH],
  [uapi.BPF_MAP_TYPE_LRU_HASH, HASH],
  [uapi.BPF_MAP_TYPE_LRU_PERCPU_HASH, HASH],
  [uapi.BPF_MAP_TYPE_DEVMAP_HASH, HASH],
  [uapi.BPF_MAP_TYPE_LPM_TRIE, kind(trieStride, env => new LpmTrieStore(env), trieNodes)],
  [uapi.BPF_MAP_TYPE_PROG_ARRAY, REFERENCES],
  [uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS, REFERENCES],
  [uapi.BPF_MAP_TYPE_HASH_OF_MAPS, kind(hashStride, (env, resolve) => new HashOfMapsStore(env, resolve))],
  [uapi.BPF_MAP_TYPE_DEVMAP, SPARSE],
  [uapi.BPF_MAP_TYPE_CPUMAP, SPARSE],
  [uapi.BPF_MAP_TYPE_XSKMAP, SPARSE],
  [uapi.BPF_MAP_TYPE_QUEUE, QUEUE],
  [uapi.BPF_MAP_TYPE_STACK, QUEUE],
  [uapi.BPF_MAP_TYPE_BLOOM_FILTER, kind(none, env => new BloomStore(env))],
  [
    uapi.BPF_MAP_TYPE_RINGBUF,
    kind(
      definition => definition.maxEntries,
      env => new RingBufferStore(env),
      () => 1,
    ),
  ],
  [uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, kind(none, env => new PerfEventStore(env.definition))],
]);

/** Types of map that the machine has, for the documentation. */
export const SUPPORTED_MAP_TYPES: readonly number[] = [...KINDS.keys()].sort((a, b) => a - b);

export function isSupportedMap(definition: MapDefinition): boolean {
  return KINDS.has(definition.type);
}

/** Bytes between the elements of a supported map. */
export function elementStride(definition: MapDefinition): number {
  return valueAt(KINDS, definition.type).stride(definition);
}

/** Bytes for all elements of a supported map. */
export function storageSize(definition: MapDefinition): number {
  return elementStride(definition) * valueAt(KINDS, definition.type).count(definition);
}

/** Bytes of the table of a supported map that takes its elements from the heap. */
export function tableSize(definition: MapDefinition): number {
  if (definition.type === uapi.BPF_MAP_TYPE_RINGBUF) return 0;
  return chunkTableSize(elementStride(definition), valueAt(KINDS, definition.type).count(definition));
}

/** Bytes of the heap that a supported map can take. */
export function heapReach(definition: MapDefinition): number {
  if (definition.type === uapi.BPF_MAP_TYPE_RINGBUF) return ringReach(definition);
  return chunkReach(elementStride(definition), valueAt(KINDS, definition.type).count(definition));
}

export function createStore(env: StoreEnv, resolve: ResolveSlot): MapStore {
  const made = KINDS.get(env.definition.type)?.create(env, resolve);
  if (made === undefined)
    throw inputError('vm-map-type', [], `map ${quote(env.definition.name)} has no store`);
  return made;
}

/** Arrays of event queues: records go to the machine's list of events, not into the map. */
class PerfEventStore implements MapStore {
  readonly definition: MapDefinition;
  readonly array = null;

  constructor(definition: MapDefinition) {
    this.definition = definition;
  }

  lookup(): number {
    return 0;
  }

  update(): number {
    return -E2BIG;
  }

  remove(): number {
    return -EINVAL;
  }

  elements(): Iterable<Element> {
    return [];
  }
}

/** The machine as the rules of map definitions see it: one CPU, one NUMA node, the usual limits of Linux. */
const MACHINE: MapMachine = { pageSize: 4096, cpus: 1, cpuLimit: 8192, stackDepth: 127, nodes: [0] };

/** As a loader would complete it: sizes of event arrays and rings that were left to it. */
export function completeDefinition(definition: MapDefinition): MapDefinition {
  const { inner } = definition;
  return { ...completeMap(definition, MACHINE), inner: inner === null ? null : completeMap(inner, MACHINE) };
}

/** What the kernel would refuse about a completed definition, with the types of its object. */
export function definitionProblems(
  { name, btf }: Pick<BpfObject, 'name' | 'btf'>,
  definition: MapDefinition,
): readonly Problem[] {
  const where = [name, `map ${quote(definition.name)}`];
  return mapRefusals(definition, MACHINE, btf).map(({ message, remedy }) =>
    problem('vm-map-definition', where, message, { hint: remedy }),
  );
}
