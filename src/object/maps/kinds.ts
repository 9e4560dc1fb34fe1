/**
 * The table of map types: what the kernel requires of the definition of each, as in `map_alloc_check` and
 * `map_alloc` of its implementations. Rules are in the kernel's order, so that the first one that is broken
 * gives the errno of BPF_MAP_CREATE.
 *
 * Source: Linux 6.18 (insn_array: 6.19), compared with the running kernel by
 * `test/load-oracle/map-rules.test.ts`. Flags and types that older kernels lack are not refused here:
 * `flags.ts` and `src/kernel/probes/` name the releases. Whether there is enough memory is not checked.
 */

import * as uapi from '../../uapi/index.ts';
import {
  atLeast,
  atMost,
  entriesAtMost,
  flags,
  type MapRule,
  needsFlags,
  needsTypes,
  noEntries,
  noNode,
  refusal,
  sized,
  someEntries,
  without,
} from './rules.ts';
import type { MapMachine } from './shape.ts';

/** What the kernel requires of one type of map. */
export interface MapKind {
  readonly rules: readonly MapRule[];
  /**
   * What becomes of BTF types of key and value: `none`, the kernel takes none, and loaders do not pass them;
   * otherwise what the type of the key has to be. A map whose types are refused is created without them.
   */
  readonly types: 'none' | 'any' | 'int key' | 'struct key' | 'storage key' | 'no key';
  /** Whether maps of maps can have it as inner map. */
  readonly inner: boolean;
  /** The kernel takes no map of this type without types. */
  readonly typesRequired?: boolean;
}

const ACCESS_BY_USERS = uapi.BPF_F_RDONLY | uapi.BPF_F_WRONLY;
const ACCESS = ACCESS_BY_USERS | uapi.BPF_F_RDONLY_PROG | uapi.BPF_F_WRONLY_PROG;
const NODE_AND_ACCESS = uapi.BPF_F_NUMA_NODE | ACCESS;
const NODE_AND_USERS = uapi.BPF_F_NUMA_NODE | ACCESS_BY_USERS;

// --- limits ---

const INT_MAX = 0x7fffffff;
/** Bytes of a value for each CPU: what the per-CPU allocator has at once. */
const PER_CPU_MAX = 32 * 1024;
/** Bytes that the kernel allocates at once. */
const ALLOCATION_MAX = ({ pageSize }: MapMachine) => pageSize * 1024;
/** `struct htab_elem`, which comes before key and value. */
const HASH_HEADER = 48;
/** Buckets are a power of two and take 16 bytes each; their sum is a u32. */
const HASH_ENTRIES_MAX = 2 ** 27;
const TABLE_ENTRIES_MAX = 2 ** 31;
const TRIE_KEY_MAX = 4 + 256;
/** `struct lpm_trie_node`, without its last padding. */
const TRIE_HEADER = 20;
/** Sizes are u16 with the header of an element, which differs between releases by some bytes. */
const STORAGE_VALUE_MAX = 65407;
const KEY_ON_STACK_MAX = 512;
const ARENA_MAX = 2 ** 32;

const constant = (limit: number) => () => limit;

// --- families ---

const array = (allowed: number, ...last: readonly MapRule[]): readonly MapRule[] => [
  someEntries,
  sized('key', 4),
  atLeast('value', 1),
  flags(allowed),
  ...last,
  atMost('value', constant(INT_MAX)),
];

const descriptors = (allowed = NODE_AND_USERS): readonly MapRule[] => [sized('value', 4), ...array(allowed)];

const hash = (allowed: number, ...afterFlags: readonly MapRule[]): readonly MapRule[] => [
  flags(uapi.BPF_F_ZERO_SEED | NODE_AND_ACCESS | allowed),
  ...afterFlags,
  someEntries,
  atLeast('key', 1),
  atLeast('value', 1),
  hashElement,
];

/** Keys and values of one element are allocated together. */
const hashElement: MapRule = ({ keySize, valueSize }, machine) => {
  const most = ALLOCATION_MAX(machine) - HASH_HEADER - 1;
  if (keySize + valueSize <= most) return undefined;
  const what = `has keys of ${keySize} and values of ${valueSize} bytes`;
  return refusal('value', what, `key and value have at most ${most} bytes together`, { errno: uapi.E2BIG });
};

const hashEntries = entriesAtMost(constant(HASH_ENTRIES_MAX));
const perCpuValue = atMost('value', constant(PER_CPU_MAX));

/** LRU maps allocate their elements when they are created. */
const preallocated: MapRule = ({ flags: given }) =>
  (given & uapi.BPF_F_NO_PREALLOC) === 0
    ? undefined
    : refusal(
        'map_flags',
        'has BPF_F_NO_PREALLOC, but LRU maps are preallocated',
        'remove BPF_F_NO_PREALLOC',
        {
          errno: uapi.ENOTSUPP,
        },
      );

const ONE_LIST_A_CPU = uapi.BPF_F_NO_COMMON_LRU;
const noNodeWithLists = noNode(given => (given & ONE_LIST_A_CPU) !== 0);

const devices = (...entries: readonly MapRule[]): readonly MapRule[] => [
  someEntries,
  sized('key', 4),
  sized('value', 4, 8),
  flags(NODE_AND_USERS),
  ...entries,
];

const cgroupStorage = (limit: number): readonly MapRule[] => [
  sized('key', 8, 16),
  atLeast('value', 1),
  atMost('value', constant(limit)),
  flags(NODE_AND_ACCESS),
  noEntries,
];

const localStorage: MapKind = {
  rules: [
    flags(uapi.BPF_F_NO_PREALLOC | uapi.BPF_F_CLONE),
    needsFlags(uapi.BPF_F_NO_PREALLOC),
    noEntries,
    sized('key', 4),
    atLeast('value', 1),
    needsTypes,
    atMost('value', constant(STORAGE_VALUE_MAX)),
  ],
  types: 'int key',
  inner: true,
  typesRequired: true,
};

const queue: MapKind = {
  rules: [
    someEntries,
    without('key'),
    atLeast('value', 1),
    flags(NODE_AND_ACCESS),
    atMost('value', ALLOCATION_MAX),
  ],
  types: 'any',
  inner: true,
};

const ring: MapKind = {
  rules: [
    flags(uapi.BPF_F_NUMA_NODE),
    without('key'),
    without('value'),
    someEntries,
    ({ maxEntries }, { pageSize }) =>
      maxEntries % pageSize === 0 && Number.isInteger(Math.log2(maxEntries))
        ? undefined
        : refusal(
            'max_entries',
            `has max_entries ${maxEntries}`,
            `the size of a ring is a power of two and a multiple of ${pageSize} bytes`,
          ),
  ],
  types: 'none',
  inner: true,
};

/** Values are addresses of 8 bytes, or `struct bpf_stack_build_id` of 32. */
const stackDepth: MapRule = ({ flags: given, valueSize }, { stackDepth: most }) => {
  const size = (given & uapi.BPF_F_STACK_BUILD_ID) === 0 ? 8 : 32;
  if (valueSize > 0 && valueSize % size === 0 && valueSize / size <= most) return undefined;
  return refusal(
    'value',
    valueSize === 0 ? 'has no value size' : `has values of ${valueSize} bytes`,
    `a stack trace is 1 to ${most} entries of ${size} bytes (sysctl kernel.perf_event_max_stack)`,
    { missing: valueSize === 0 },
  );
};

const bloomHashes: MapRule = ({ mapExtra }) =>
  mapExtra <= 15n
    ? undefined
    : refusal('map_extra', `has map_extra ${mapExtra}`, 'it is the number of hash functions, at most 15');

/** map_extra is the address of the arena in user space. */
const arenaAddress: MapRule = ({ mapExtra }, { pageSize }) =>
  mapExtra % BigInt(pageSize) === 0n
    ? undefined
    : refusal('map_extra', `has map_extra 0x${mapExtra.toString(16)}`, 'it is an address of whole pages');

const arenaRange: MapRule = ({ mapExtra, maxEntries }, { pageSize }) => {
  const last = mapExtra + BigInt(maxEntries) * BigInt(pageSize) - 1n;
  if (mapExtra >> 32n === last >> 32n) return undefined;
  const what = `has map_extra 0x${mapExtra.toString(16)} and ${maxEntries} pages`;
  return refusal('map_extra', what, 'an arena does not cross a multiple of 4 GiB', { errno: uapi.ERANGE });
};

/** Every map of maps has a template of its inner maps. */
const template: MapRule = ({ inner }) => {
  if (inner === null) {
    return refusal('values', 'has no inner map', 'add __array(values, struct { … }) with its definition', {
      missing: true,
    });
  }
  if (inner.inner !== null || isMapOfMaps(inner.type)) {
    return refusal('values', 'has a map of maps as inner map', 'maps of maps have one level');
  }
  if (MAP_KINDS.get(inner.type)?.inner !== false) return undefined;
  const what = `has ${uapi.mapTypeName(inner.type)} maps inside`;
  return refusal('values', what, 'the kernel does not support this type in a map of maps', {
    errno: uapi.ENOTSUPP,
  });
};

/** Whether the values of maps of this type are maps. */
export function isMapOfMaps(type: number): boolean {
  return type === uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS || type === uapi.BPF_MAP_TYPE_HASH_OF_MAPS;
}

const kind = (rules: readonly MapRule[], types: MapKind['types'], inner = true): MapKind => ({
  rules,
  types,
  inner,
});

/** By enum bpf_map_type. */
export const MAP_KINDS: ReadonlyMap<number, MapKind> = new Map<number, MapKind>([
  [uapi.BPF_MAP_TYPE_HASH, kind([...hash(uapi.BPF_F_NO_PREALLOC), hashEntries], 'any')],
  [
    uapi.BPF_MAP_TYPE_ARRAY,
    kind(array(NODE_AND_ACCESS | uapi.BPF_F_MMAPABLE | uapi.BPF_F_INNER_MAP), 'int key'),
  ],
  [uapi.BPF_MAP_TYPE_PROG_ARRAY, kind(descriptors(), 'any', false)],
  [uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, kind(descriptors(NODE_AND_USERS | uapi.BPF_F_PRESERVE_ELEMS), 'none')],
  [
    uapi.BPF_MAP_TYPE_PERCPU_HASH,
    kind([...hash(uapi.BPF_F_NO_PREALLOC, noNode()), perCpuValue, hashEntries], 'any'),
  ],
  [uapi.BPF_MAP_TYPE_PERCPU_ARRAY, kind([...array(NODE_AND_ACCESS, noNode()), perCpuValue], 'int key')],
  [
    uapi.BPF_MAP_TYPE_STACK_TRACE,
    kind(
      [
        flags(NODE_AND_USERS | uapi.BPF_F_STACK_BUILD_ID),
        someEntries,
        sized('key', 4),
        stackDepth,
        entriesAtMost(constant(TABLE_ENTRIES_MAX)),
      ],
      'none',
    ),
  ],
  [uapi.BPF_MAP_TYPE_CGROUP_ARRAY, kind(descriptors(), 'none')],
  [
    uapi.BPF_MAP_TYPE_LRU_HASH,
    kind(
      [...hash(uapi.BPF_F_NO_PREALLOC | ONE_LIST_A_CPU, preallocated, noNodeWithLists), hashEntries],
      'any',
    ),
  ],
  [
    uapi.BPF_MAP_TYPE_LRU_PERCPU_HASH,
    kind(
      [...hash(uapi.BPF_F_NO_PREALLOC | ONE_LIST_A_CPU, preallocated, noNode()), perCpuValue, hashEntries],
      'any',
    ),
  ],
  [
    uapi.BPF_MAP_TYPE_LPM_TRIE,
    kind(
      [
        someEntries,
        flags(uapi.BPF_F_NO_PREALLOC | NODE_AND_ACCESS),
        needsFlags(uapi.BPF_F_NO_PREALLOC),
        atLeast('key', 5),
        atMost('key', constant(TRIE_KEY_MAX), uapi.EINVAL),
        atLeast('value', 1),
        atMost('value', machine => ALLOCATION_MAX(machine) - TRIE_KEY_MAX - TRIE_HEADER, uapi.EINVAL),
      ],
      'struct key',
    ),
  ],
  [uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS, kind([...descriptors(), template], 'none', false)],
  [
    uapi.BPF_MAP_TYPE_HASH_OF_MAPS,
    kind([sized('value', 4), ...hash(uapi.BPF_F_NO_PREALLOC), template, hashEntries], 'none', false),
  ],
  [uapi.BPF_MAP_TYPE_DEVMAP, kind(devices(), 'none')],
  [uapi.BPF_MAP_TYPE_SOCKMAP, kind(devices(), 'none')],
  [
    uapi.BPF_MAP_TYPE_CPUMAP,
    kind(
      [
        someEntries,
        sized('key', 4),
        sized('value', 4, 8),
        flags(uapi.BPF_F_NUMA_NODE),
        entriesAtMost(({ cpuLimit }) => cpuLimit),
      ],
      'none',
    ),
  ],
  [
    uapi.BPF_MAP_TYPE_XSKMAP,
    kind([someEntries, sized('key', 4), sized('value', 4), flags(NODE_AND_USERS)], 'none'),
  ],
  [
    uapi.BPF_MAP_TYPE_SOCKHASH,
    kind(
      [
        someEntries,
        atLeast('key', 1),
        sized('value', 4, 8),
        flags(NODE_AND_USERS),
        atMost('key', constant(KEY_ON_STACK_MAX)),
        entriesAtMost(constant(HASH_ENTRIES_MAX), uapi.EINVAL),
      ],
      'none',
    ),
  ],
  [uapi.BPF_MAP_TYPE_CGROUP_STORAGE, kind(cgroupStorage(STORAGE_VALUE_MAX), 'storage key', false)],
  [uapi.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, kind([sized('value', 4, 8), ...array(NODE_AND_ACCESS)], 'any')],
  [uapi.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, kind(cgroupStorage(PER_CPU_MAX), 'storage key', false)],
  [uapi.BPF_MAP_TYPE_QUEUE, queue],
  [uapi.BPF_MAP_TYPE_STACK, queue],
  [uapi.BPF_MAP_TYPE_SK_STORAGE, localStorage],
  [
    uapi.BPF_MAP_TYPE_DEVMAP_HASH,
    kind(devices(entriesAtMost(constant(TABLE_ENTRIES_MAX), uapi.EINVAL)), 'none'),
  ],
  [
    uapi.BPF_MAP_TYPE_STRUCT_OPS,
    kind(
      [
        () =>
          refusal(
            'type',
            'is of type struct_ops',
            'define operations as a variable in SEC(".struct_ops") instead of a map',
          ),
      ],
      'none',
      false,
    ),
  ],
  [uapi.BPF_MAP_TYPE_RINGBUF, ring],
  [uapi.BPF_MAP_TYPE_INODE_STORAGE, localStorage],
  [uapi.BPF_MAP_TYPE_TASK_STORAGE, localStorage],
  [
    uapi.BPF_MAP_TYPE_BLOOM_FILTER,
    kind(
      [
        atMost('value', ALLOCATION_MAX),
        without('key'),
        atLeast('value', 1),
        someEntries,
        flags(NODE_AND_ACCESS | uapi.BPF_F_ZERO_SEED),
        bloomHashes,
      ],
      'no key',
    ),
  ],
  [uapi.BPF_MAP_TYPE_USER_RINGBUF, ring],
  [uapi.BPF_MAP_TYPE_CGRP_STORAGE, localStorage],
  [
    uapi.BPF_MAP_TYPE_ARENA,
    kind(
      [
        without('key'),
        without('value'),
        someEntries,
        needsFlags(uapi.BPF_F_MMAPABLE),
        flags(uapi.BPF_F_MMAPABLE | uapi.BPF_F_SEGV_ON_FAULT | uapi.BPF_F_NO_USER_CONV),
        arenaAddress,
        entriesAtMost(({ pageSize }) => ARENA_MAX / pageSize),
        arenaRange,
      ],
      'none',
    ),
  ],
  [
    uapi.BPF_MAP_TYPE_INSN_ARRAY,
    kind([someEntries, sized('key', 4), sized('value', 16), flags(0)], 'any', false),
  ],
]);
