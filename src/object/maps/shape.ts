/** What the rules of map definitions are about: the fields of BPF_MAP_CREATE, and the machine. */

import type { MapDefinition } from '../model/index.ts';

/** A map as BPF_MAP_CREATE gets it. Definitions and maps of a load plan are such shapes. */
export interface MapShape
  extends Pick<
    MapDefinition,
    | 'type'
    | 'keySize'
    | 'valueSize'
    | 'maxEntries'
    | 'flags'
    | 'mapExtra'
    | 'numaNode'
    | 'keyType'
    | 'valueType'
  > {
  readonly inner: MapShape | null;
}

/** What the rules depend on outside of the definition. */
export interface MapMachine {
  /** Bytes of a memory page. */
  readonly pageSize: number;
  /** Possible CPUs. */
  readonly cpus: number;
  /** How many CPUs the kernel is built for (CONFIG_NR_CPUS). */
  readonly cpuLimit: number;
  /** Entries of the longest stack trace: the sysctl `kernel.perf_event_max_stack`. */
  readonly stackDepth: number;
  /** NUMA nodes that are online. */
  readonly nodes: readonly number[];
}

/** Fields of a definition that a rule can be about. */
export type MapField =
  | 'type'
  | 'key'
  | 'value'
  | 'max_entries'
  | 'map_flags'
  | 'map_extra'
  | 'numa_node'
  | 'values';

/** Why the kernel refuses a definition. */
export interface MapRefusal {
  /** What BPF_MAP_CREATE returns when this is the only reason. */
  readonly errno: number;
  readonly field: MapField;
  /** The field has no value (0, no type, no inner map): a loader may give it one. */
  readonly missing: boolean;
  /** It is about the inner map of a map of maps. */
  readonly inInner?: boolean;
  /** Continues "map NAME …". */
  readonly message: string;
  /** How the source is changed. */
  readonly remedy: string;
}
