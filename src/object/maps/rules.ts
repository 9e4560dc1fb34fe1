/**
 * The kinds of rules that the kernel has for map definitions. Each is a function from a shape to a refusal;
 * `kinds.ts` has the rules of every type, in the order in which the kernel checks them.
 */

import * as uapi from '../../uapi/index.ts';
import { E2BIG, EINVAL, mapTypeName } from '../../uapi/index.ts';
import { mapFlagsText } from './flags.ts';
import type { MapField, MapMachine, MapRefusal, MapShape } from './shape.ts';

/** One rule: undefined when the shape keeps it. */
export type MapRule = (shape: MapShape, machine: MapMachine) => MapRefusal | undefined;

const ACCESS_BY_PROGRAMS = uapi.BPF_F_RDONLY_PROG | uapi.BPF_F_WRONLY_PROG;

/** A refusal. `missing` is false unless given. */
export function refusal(
  field: MapField,
  message: string,
  remedy: string,
  extras: Partial<Pick<MapRefusal, 'errno' | 'missing'>> = {},
): MapRefusal {
  return { errno: EINVAL, missing: false, ...extras, field, message, remedy };
}

/** Only these flags; of the two that limit programs only one. */
export function flags(allowed: number): MapRule {
  return ({ type, flags: given }) => {
    const others = (given & ~allowed) >>> 0;
    if (others !== 0) return unknownFlags(type, others, allowed);
    if ((given & ACCESS_BY_PROGRAMS) !== ACCESS_BY_PROGRAMS) return undefined;
    return refusal(
      'map_flags',
      `has ${mapFlagsText(ACCESS_BY_PROGRAMS)}: programs could not access it`,
      'remove one of the two flags',
    );
  };
}

function unknownFlags(type: number, others: number, allowed: number): MapRefusal {
  const known = allowed === 0 ? 'no flags' : mapFlagsText(allowed).replaceAll(' |', ',');
  return refusal(
    'map_flags',
    `has flags ${mapFlagsText(others)}, which ${mapTypeName(type)} maps do not have`,
    `remove them from map_flags; ${mapTypeName(type)} maps have ${known}`,
  );
}

/** These flags are required. */
export function needsFlags(required: number): MapRule {
  return ({ type, flags: given }) => {
    const lacking = (required & ~given) >>> 0;
    if (lacking === 0) return undefined;
    const names = mapFlagsText(lacking);
    return refusal(
      'map_flags',
      `lacks ${names}, which ${mapTypeName(type)} maps need`,
      `add __uint(map_flags, ${names})`,
    );
  };
}

/** Per-CPU memory is not of one NUMA node. `applies` tells for which flags the rule holds. */
export function noNode(applies: (flags: number) => boolean = () => true): MapRule {
  return ({ flags: given, numaNode }) => {
    if ((given & uapi.BPF_F_NUMA_NODE) === 0 || numaNode === NO_NODE || !applies(given)) return undefined;
    return refusal(
      'map_flags',
      'has BPF_F_NUMA_NODE, but its values are per CPU',
      'remove BPF_F_NUMA_NODE from map_flags',
    );
  };
}

/** `NUMA_NO_NODE` as u32. */
export const NO_NODE = 0xffffffff;

const SIZE_FIELDS = { key: 'keySize', value: 'valueSize' } as const;
type Part = keyof typeof SIZE_FIELDS;

/** Keys or values of one of these sizes. */
export function sized(part: Part, ...sizes: readonly number[]): MapRule {
  return shape => {
    const size = shape[SIZE_FIELDS[part]];
    if (sizes.includes(size)) return undefined;
    const wanted = `${sizes.join(' or ')} bytes`;
    return refusal(
      part,
      size === 0 ? `has no ${part} size` : `has ${part}s of ${size} bytes`,
      `${mapTypeName(shape.type)} maps have ${part}s of ${wanted}`,
      { missing: size === 0 },
    );
  };
}

/** No keys, or no values. */
export function without(part: Part): MapRule {
  return shape => {
    const size = shape[SIZE_FIELDS[part]];
    if (size === 0) return undefined;
    return refusal(
      part,
      `has ${part}s of ${size} bytes`,
      `${mapTypeName(shape.type)} maps have no ${part}s: remove the ${part} from the definition`,
    );
  };
}

/** Keys or values of at least so many bytes. */
export function atLeast(part: Part, least: number): MapRule {
  return shape => {
    const size = shape[SIZE_FIELDS[part]];
    if (size >= least) return undefined;
    return refusal(
      part,
      size === 0 ? `has no ${part} size` : `has ${part}s of ${size} bytes`,
      size === 0 ? `add __type(${part}, …)` : `${mapTypeName(shape.type)} maps need at least ${least}`,
      { missing: size === 0 },
    );
  };
}

/** Keys or values of at most so many bytes. */
export function atMost(part: Part, limit: (machine: MapMachine) => number, errno = E2BIG): MapRule {
  return (shape, machine) => {
    const size = shape[SIZE_FIELDS[part]];
    const most = limit(machine);
    if (size <= most) return undefined;
    return refusal(
      part,
      `has ${part}s of ${size} bytes`,
      `${mapTypeName(shape.type)} maps have ${part}s of at most ${most} bytes`,
      { errno },
    );
  };
}

/** The number of entries is given. */
export const someEntries: MapRule = ({ maxEntries }) =>
  maxEntries === 0 ? refusal('max_entries', 'has max_entries 0', SIZE_REMEDY, { missing: true }) : undefined;

const SIZE_REMEDY = 'add __uint(max_entries, N)';

/** There is no number of entries. */
export const noEntries: MapRule = ({ type, maxEntries }) =>
  maxEntries === 0
    ? undefined
    : refusal(
        'max_entries',
        `has max_entries ${maxEntries}`,
        `${mapTypeName(type)} maps grow as needed: remove max_entries from the definition`,
      );

/** At most so many entries. */
export function entriesAtMost(limit: (machine: MapMachine) => number, errno = E2BIG): MapRule {
  return ({ type, maxEntries }, machine) => {
    const most = limit(machine);
    if (maxEntries <= most) return undefined;
    return refusal(
      'max_entries',
      `has max_entries ${maxEntries}`,
      `${mapTypeName(type)} maps have at most ${most} entries`,
      { errno },
    );
  };
}

/** Key and value have types. */
export const needsTypes: MapRule = ({ type, keyType, valueType }) => {
  if (keyType !== 0 && valueType !== 0) return undefined;
  const part = keyType === 0 ? 'key' : 'value';
  return refusal(
    part,
    `has no type of its ${part}s, which ${mapTypeName(type)} maps need`,
    `use __type(${part}, …) instead of __uint(${part}_size, …)`,
    { missing: true },
  );
};
