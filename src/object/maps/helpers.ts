/**
 * Which helper functions take maps of which types: the second half of the kernel's rules of maps. Apart from
 * the rules of definitions, because it is about calls: a definition can be valid without one helper for it.
 *
 * One table, from types of maps to helpers; the other direction follows from it. Source: Linux 6.18
 * (`check_map_func_compatibility`, `set_map_elem_callback_state`), compared with the running kernel by
 * `test/load-oracle/map-helpers.test.ts`.
 */

import { bugError, quote } from '../../diag/index.ts';
import { helperId, helperName } from '../../isa/index.ts';
import * as uapi from '../../uapi/index.ts';
import { mapTypeName } from '../../uapi/index.ts';

const ELEMENTS = ['map_lookup_elem', 'map_update_elem', 'map_delete_elem'];
const WALKED = [...ELEMENTS, 'for_each_map_elem'];
const PER_CPU = [...WALKED, 'map_lookup_percpu_elem'];
const QUEUE = ['map_push_elem', 'map_pop_elem', 'map_peek_elem'];
const PERF = [
  ...['perf_event_output', 'perf_event_read', 'perf_event_read_value'],
  ...['skb_output', 'xdp_output'],
];
const RING = ['ringbuf_output', 'ringbuf_reserve', 'ringbuf_query', 'ringbuf_reserve_dynptr'];
/** Only some types of programs may change sockets of a map; see `mayUpdateSockets`. */
const SOCKETS = ['map_lookup_elem', 'map_update_elem', 'map_delete_elem', 'sk_select_reuseport'];
const REDIRECTED = ['redirect_map', 'map_lookup_elem'];

/** Type of map → names of its helpers without `bpf_`. */
const HELPERS_BY_TYPE: ReadonlyMap<number, readonly string[]> = new Map([
  [uapi.BPF_MAP_TYPE_HASH, WALKED],
  [uapi.BPF_MAP_TYPE_ARRAY, WALKED],
  [uapi.BPF_MAP_TYPE_PROG_ARRAY, ['tail_call']],
  [uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, PERF],
  [uapi.BPF_MAP_TYPE_PERCPU_HASH, PER_CPU],
  [uapi.BPF_MAP_TYPE_PERCPU_ARRAY, PER_CPU],
  [uapi.BPF_MAP_TYPE_STACK_TRACE, ['get_stackid']],
  [uapi.BPF_MAP_TYPE_CGROUP_ARRAY, ['skb_under_cgroup', 'current_task_under_cgroup']],
  [uapi.BPF_MAP_TYPE_LRU_HASH, WALKED],
  [uapi.BPF_MAP_TYPE_LRU_PERCPU_HASH, PER_CPU],
  [uapi.BPF_MAP_TYPE_LPM_TRIE, ELEMENTS],
  [uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS, ['map_lookup_elem']],
  [uapi.BPF_MAP_TYPE_HASH_OF_MAPS, ['map_lookup_elem']],
  [uapi.BPF_MAP_TYPE_DEVMAP, REDIRECTED],
  [uapi.BPF_MAP_TYPE_SOCKMAP, [...SOCKETS, 'sk_redirect_map', 'msg_redirect_map', 'sock_map_update']],
  [uapi.BPF_MAP_TYPE_CPUMAP, ['redirect_map']],
  [uapi.BPF_MAP_TYPE_XSKMAP, REDIRECTED],
  [uapi.BPF_MAP_TYPE_SOCKHASH, [...SOCKETS, 'sk_redirect_hash', 'msg_redirect_hash', 'sock_hash_update']],
  [uapi.BPF_MAP_TYPE_CGROUP_STORAGE, ['get_local_storage']],
  [uapi.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, ['sk_select_reuseport']],
  [uapi.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, ['get_local_storage']],
  [uapi.BPF_MAP_TYPE_QUEUE, QUEUE],
  [uapi.BPF_MAP_TYPE_STACK, QUEUE],
  [uapi.BPF_MAP_TYPE_SK_STORAGE, ['sk_storage_get', 'sk_storage_delete']],
  [uapi.BPF_MAP_TYPE_DEVMAP_HASH, REDIRECTED],
  [uapi.BPF_MAP_TYPE_STRUCT_OPS, []],
  [uapi.BPF_MAP_TYPE_RINGBUF, RING],
  [uapi.BPF_MAP_TYPE_INODE_STORAGE, ['inode_storage_get', 'inode_storage_delete']],
  [uapi.BPF_MAP_TYPE_TASK_STORAGE, ['task_storage_get', 'task_storage_delete']],
  [uapi.BPF_MAP_TYPE_BLOOM_FILTER, ['map_push_elem', 'map_peek_elem']],
  [uapi.BPF_MAP_TYPE_USER_RINGBUF, ['user_ringbuf_drain']],
  [uapi.BPF_MAP_TYPE_CGRP_STORAGE, ['cgrp_storage_get', 'cgrp_storage_delete']],
  [uapi.BPF_MAP_TYPE_ARENA, []],
  [uapi.BPF_MAP_TYPE_INSN_ARRAY, []],
]);

const IDS_BY_TYPE: ReadonlyMap<number, ReadonlySet<number>> = new Map(
  [...HELPERS_BY_TYPE].map(([type, names]) => [type, new Set(names.map(name => idOf(name)))]),
);

function idOf(name: string): number {
  const id = helperId(`bpf_${name}`);
  if (id === undefined) throw bugError([], `there is no helper bpf_${name}`);
  return id;
}

/** Helpers whose map is argument 2; it is argument 1 of the others. */
const SECOND = new Set(
  [
    ...['tail_call', 'perf_event_output', 'skb_output', 'xdp_output', 'get_stackid', 'skb_under_cgroup'],
    ...['sock_map_update', 'sock_hash_update', 'msg_redirect_map', 'msg_redirect_hash'],
    ...['sk_redirect_map', 'sk_redirect_hash', 'sk_select_reuseport'],
  ].map(idOf),
);
const LIMITED: ReadonlySet<number> = new Set([...IDS_BY_TYPE.values()].flatMap(ids => [...ids]));

/** Numbers of all helpers that take maps of certain types only, in ascending order. */
export const MAP_HELPER_IDS: readonly number[] = [...LIMITED].sort((a, b) => a - b);

/** The register in which such a helper gets its map; undefined for other helpers. */
export function mapRegister(helper: number): 1 | 2 | undefined {
  if (!LIMITED.has(helper)) return undefined;
  return SECOND.has(helper) ? 2 : 1;
}

/** Types of maps that the helper takes. */
function mapTypesOf(helper: number): readonly number[] {
  return [...IDS_BY_TYPE].flatMap(([type, ids]) => (ids.has(helper) ? [type] : []));
}

/** A program, as far as it matters to what it may do with a map. */
export interface MapUser {
  readonly progType: number;
  readonly expectedAttachType: number;
}

/** Why the kernel refuses a call. */
export interface MapCallRefusal {
  /** Continues "the program …". */
  readonly message: string;
  /** The map alone: `map "events" of type ringbuf`. */
  readonly map: string;
  readonly hint: string;
}

/** A map in a call; the name is undefined when it is known only while the program runs. */
export interface CalledMap {
  readonly name?: string | undefined;
  readonly type: number;
}

/**
 * Why the kernel refuses to call the helper with the map; undefined when it accepts, or when the helper does
 * not depend on the type. Types that are not known here are accepted. `user` is undefined where the type of
 * program does not matter: it is not looked at then.
 */
export function mapCallRefusal(helper: number, map: CalledMap, user?: MapUser): MapCallRefusal | undefined {
  const ids = IDS_BY_TYPE.get(map.type);
  if (ids === undefined || !LIMITED.has(helper)) return undefined;
  const which = mapText(map);
  const message = `calls ${helperName(helper)}() with ${which}, which the kernel refuses`;
  if (!ids.has(helper)) return { message, map: which, hint: fittingHelpers(helper, map) };
  if (user === undefined || !changesSockets(helper, map.type) || mayUpdateSockets(helper, user))
    return undefined;
  return {
    message: `${message} in a program of type ${uapi.progTypeName(user.progType)}`,
    map: which,
    hint: 'sockets of a map are changed by user space, by bpf_sock_map_update() or bpf_sock_hash_update(), or by a program of another type',
  };
}

function mapText({ name, type }: CalledMap): string {
  return `${name === undefined ? 'a map' : `map ${quote(name)}`} of type ${mapTypeName(type)}`;
}

/** What fits instead: other helpers for the map, and other maps for the helper. */
function fittingHelpers(helper: number, { name, type }: CalledMap): string {
  const fitting = HELPERS_BY_TYPE.get(type)
    ?.map(one => `bpf_${one}()`)
    .join(', ');
  const types = mapTypesOf(helper).map(mapTypeName).join(', ');
  const map = name === undefined ? '' : `map ${quote(name)}: `;
  const own = fitting
    ? `${mapTypeName(type)} maps are for ${fitting}`
    : `no helper takes ${mapTypeName(type)} maps`;
  return `${map}${own}; ${helperName(helper)}() takes ${types} maps`;
}

function changesSockets(helper: number, type: number): boolean {
  const sockets = type === uapi.BPF_MAP_TYPE_SOCKMAP || type === uapi.BPF_MAP_TYPE_SOCKHASH;
  return sockets && (helper === UPDATE || helper === DELETE);
}

const UPDATE = idOf('map_update_elem');
const DELETE = idOf('map_delete_elem');
const SOCKET_UPDATERS = new Set([
  uapi.BPF_PROG_TYPE_SOCKET_FILTER,
  uapi.BPF_PROG_TYPE_SCHED_CLS,
  uapi.BPF_PROG_TYPE_SCHED_ACT,
  uapi.BPF_PROG_TYPE_XDP,
  uapi.BPF_PROG_TYPE_SK_REUSEPORT,
  uapi.BPF_PROG_TYPE_FLOW_DISSECTOR,
  uapi.BPF_PROG_TYPE_SK_LOOKUP,
]);

/** Programs that may hold the lock of a socket (`may_update_sockmap`). */
function mayUpdateSockets(helper: number, { progType, expectedAttachType }: MapUser): boolean {
  if (SOCKET_UPDATERS.has(progType)) return true;
  if (progType === uapi.BPF_PROG_TYPE_SOCK_OPS) return helper === DELETE;
  return progType === uapi.BPF_PROG_TYPE_TRACING && expectedAttachType === uapi.BPF_TRACE_ITER;
}
