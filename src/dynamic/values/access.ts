/**
 * What may be written from outside: by type and state of a map. BPF_F_RDONLY does not count: it belongs to the descriptor of
 * the process that made the map.
 */

import { quote, type RootletError, usageError } from '../../diag/index.ts';
import { isFrozen } from '../../kernel/index.ts';
import * as uapi from '../../uapi/index.ts';
import type { EntryMap } from './view.ts';

/** Whether a map holds constants: it is frozen, and never written again. */
export function isConstant({ map }: EntryMap): boolean {
  return isFrozen(map.fd.number);
}

/** Why elements of a map type are not written as values. */
const NOT_VALUES: ReadonlyMap<number, string> = new Map([
  [uapi.BPF_MAP_TYPE_PROG_ARRAY, 'holds programs: "rootlet replace" changes what runs'],
  [uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS, 'holds maps, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_HASH_OF_MAPS, 'holds maps, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 'holds events, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_CGROUP_ARRAY, 'holds cgroups, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_SOCKMAP, 'holds sockets, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_SOCKHASH, 'holds sockets, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_XSKMAP, 'holds sockets, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 'holds sockets, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_SK_STORAGE, 'belongs to sockets, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_TASK_STORAGE, 'belongs to tasks, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_INODE_STORAGE, 'belongs to files, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_CGRP_STORAGE, 'belongs to cgroups, which the kernel takes as descriptors'],
  [uapi.BPF_MAP_TYPE_STACK_TRACE, 'holds stack traces, which only the kernel writes'],
  [uapi.BPF_MAP_TYPE_RINGBUF, 'is a ring of records, which programs write'],
  [uapi.BPF_MAP_TYPE_USER_RINGBUF, 'is a ring of records without keys'],
  [uapi.BPF_MAP_TYPE_ARENA, 'is memory without elements'],
  [uapi.BPF_MAP_TYPE_STRUCT_OPS, 'holds operations, which are attached'],
]);

const FIXED = [uapi.BPF_MAP_TYPE_ARRAY, uapi.BPF_MAP_TYPE_PERCPU_ARRAY];

/** Throws `value-read-only` for a map whose elements cannot be written. */
export function requireWritable(map: EntryMap): void {
  const why = NOT_VALUES.get(map.definition.type);
  if (why !== undefined) throw readOnly(map, why);
  if (isConstant(map)) throw readOnly(map, 'is frozen: its contents are constants of the programs');
}

/** The same for one of its elements; data sections are written by variables. */
export function requireElements(map: EntryMap): void {
  requireWritable(map);
  if (map.isSection)
    throw readOnly(map, 'holds variables, not elements', {
      hint: '"rootlet set NAME.VARIABLE=VALUE" changes a variable',
    });
}

/** The same for removing elements. */
export function requireRemovable(map: EntryMap): void {
  requireElements(map);
  if (FIXED.includes(map.definition.type)) throw readOnly(map, 'is an array: its elements are always there');
}

function readOnly({ name }: EntryMap, why: string, extras: { readonly hint?: string } = {}): RootletError {
  return usageError('value-read-only', `map ${quote(name)} ${why}`, extras);
}
