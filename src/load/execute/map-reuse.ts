/**
 * Maps that exist already: pinned by name, or given by the caller. They are used only when they are what the
 * object would have created.
 */

import { inputError, platformError, quote } from '../../diag/index.ts';
import { BpfMap, type Sys } from '../../kernel/index.ts';
import {
  BPF_F_RDONLY_PROG,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  mapTypeName,
} from '../../uapi/index.ts';
import { type MapPlan, maxEntriesOf } from '../plan/index.ts';
import { openPinAt } from './pins.ts';

/** Where libbpf pins maps that ask for it. */
export const DEFAULT_PIN_ROOT = '/sys/fs/bpf';

const PIN_BY_NAME = 1;

/** Path of a map's pin, or undefined when it has none. Throws `load-pinning` for unknown kinds, naming the file `source`. */
export function pinPathOf(
  plan: Pick<MapPlan, 'name' | 'pinning'>,
  root: string,
  source: string,
): string | undefined {
  if (plan.pinning === 0) return undefined;
  if (plan.pinning !== PIN_BY_NAME) {
    throw inputError(
      'load-pinning',
      [source, `map ${quote(plan.name)}`],
      `kind of pinning ${plan.pinning} is not known`,
      { hint: 'LIBBPF_PIN_BY_NAME (1) is; others belong to other loaders' },
    );
  }
  return `${root}/${plan.name.replaceAll('.', '_')}`;
}

/** The map pinned at `path`, checked against the plan; undefined when there is none. */
export function openPinnedMap(sys: Sys, path: string, plan: MapPlan): BpfMap | undefined {
  const fd = openPinAt(sys, path);
  if (fd === undefined) return undefined;
  try {
    const map = BpfMap.adopt(sys, fd);
    requireSameShape(map, plan, path);
    return map;
  } catch (error) {
    fd.close();
    throw error;
  }
}

/**
 * Throws `load-map-mismatch`, naming every difference between an existing map and the one that is planned.
 */
export function requireSameShape(map: BpfMap, plan: MapPlan, source: string): void {
  const differences = shapeDifferences(map, plan).map(
    ({ field, existing, wanted }) => `${field} ${existing} instead of ${wanted}`,
  );
  if (differences.length === 0) return;
  throw platformError(
    'load-map-mismatch',
    [`map ${quote(plan.name)}`],
    `the existing map (${source}) is another one: ${differences.join(', ')}`,
    { hint: 'remove the old pin if the map is unused, or give the object its definition' },
  );
}

/** One field of a map's definition that differs. */
export interface ShapeDifference {
  readonly field: string;
  /** Of the existing map, as text. */
  readonly existing: string;
  readonly wanted: string;
}

/** What differs; mirrors libbpf's rule, which compares everything but names and BTF. */
export function shapeDifferences(map: BpfMap, plan: MapPlan): ShapeDifference[] {
  const info = map.info();
  const flags = info.flags - addedFlags(info.type, info.flags);
  const fields = [
    ['type', mapTypeName(info.type), mapTypeName(plan.type)],
    ['key size', info.keySize, plan.keySize],
    ['value size', info.valueSize, plan.valueSize],
    ['max_entries', info.maxEntries, maxEntriesOf(plan)],
    ['flags', hex(flags), hex(plan.flags)],
    ['map_extra', info.mapExtra, plan.mapExtra],
  ] as const;
  return fields.flatMap(([field, existing, wanted]) =>
    existing === wanted ? [] : [{ field, existing: String(existing), wanted: String(wanted) }],
  );
}

/** The kernel adds a flag to maps of devices by itself. */
function addedFlags(type: number, flags: number): number {
  const isDeviceMap = type === BPF_MAP_TYPE_DEVMAP || type === BPF_MAP_TYPE_DEVMAP_HASH;
  return isDeviceMap && Math.floor(flags / BPF_F_RDONLY_PROG) % 2 === 1 ? BPF_F_RDONLY_PROG : 0;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
