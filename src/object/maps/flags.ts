/**
 * Names of the flags in map definitions, and the first release of Linux that has them. Apart from the rules,
 * because a kernel that is too old for a flag refuses what the rules accept.
 */

import * as uapi from '../../uapi/index.ts';

/** One flag of BPF_MAP_CREATE. */
interface MapFlag {
  readonly bit: number;
  /** As in linux/bpf.h. */
  readonly name: string;
  /** First release of Linux. */
  readonly since: string;
}

const MAP_FLAGS: readonly MapFlag[] = [
  { bit: uapi.BPF_F_NO_PREALLOC, name: 'BPF_F_NO_PREALLOC', since: '4.6' },
  { bit: uapi.BPF_F_NO_COMMON_LRU, name: 'BPF_F_NO_COMMON_LRU', since: '4.10' },
  { bit: uapi.BPF_F_NUMA_NODE, name: 'BPF_F_NUMA_NODE', since: '4.14' },
  { bit: uapi.BPF_F_RDONLY, name: 'BPF_F_RDONLY', since: '4.15' },
  { bit: uapi.BPF_F_WRONLY, name: 'BPF_F_WRONLY', since: '4.15' },
  { bit: uapi.BPF_F_STACK_BUILD_ID, name: 'BPF_F_STACK_BUILD_ID', since: '4.17' },
  { bit: uapi.BPF_F_ZERO_SEED, name: 'BPF_F_ZERO_SEED', since: '5.0' },
  { bit: uapi.BPF_F_RDONLY_PROG, name: 'BPF_F_RDONLY_PROG', since: '5.2' },
  { bit: uapi.BPF_F_WRONLY_PROG, name: 'BPF_F_WRONLY_PROG', since: '5.2' },
  { bit: uapi.BPF_F_CLONE, name: 'BPF_F_CLONE', since: '5.4' },
  { bit: uapi.BPF_F_MMAPABLE, name: 'BPF_F_MMAPABLE', since: '5.5' },
  { bit: uapi.BPF_F_PRESERVE_ELEMS, name: 'BPF_F_PRESERVE_ELEMS', since: '5.10' },
  { bit: uapi.BPF_F_INNER_MAP, name: 'BPF_F_INNER_MAP', since: '5.10' },
  { bit: uapi.BPF_F_LINK, name: 'BPF_F_LINK', since: '6.4' },
  { bit: uapi.BPF_F_VTYPE_BTF_OBJ_FD, name: 'BPF_F_VTYPE_BTF_OBJ_FD', since: '6.9' },
  { bit: uapi.BPF_F_SEGV_ON_FAULT, name: 'BPF_F_SEGV_ON_FAULT', since: '6.9' },
  { bit: uapi.BPF_F_NO_USER_CONV, name: 'BPF_F_NO_USER_CONV', since: '6.9' },
];

/** The names of the flags in a word, bits without a name as one number: `BPF_F_RDONLY | 0x100000`. */
export function mapFlagsText(flags: number): string {
  const named = MAP_FLAGS.filter(({ bit }) => (flags & bit) !== 0);
  const rest = named.reduce((left, { bit }) => left & ~bit, flags) >>> 0;
  return [...named.map(({ name }) => name), ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])].join(' | ');
}

/** What flags need of the kernel, for a kernel that refuses them: `BPF_F_MMAPABLE needs Linux 5.5`. */
export function mapFlagNeeds(flags: number): readonly string[] {
  return MAP_FLAGS.filter(({ bit }) => (flags & bit) !== 0).map(
    ({ name, since }) => `${name} needs Linux ${since}`,
  );
}
