/** Map definitions as the C that makes them. */

import { formatType } from '../../btf/index.ts';
import type { BpfObject, MapDefinition } from '../../object/index.ts';
import { mapTypeName } from '../../uapi/index.ts';

/** `struct { __uint(type, BPF_MAP_TYPE_HASH); …; } name`; only what is set. */
export function formatMapDefinition(object: BpfObject, map: MapDefinition): string {
  return `${structOf(object, map)} ${map.name}`;
}

function structOf(object: BpfObject, map: MapDefinition): string {
  return `struct { ${membersOf(object, map)
    .map(member => `${member}; `)
    .join('')}}`;
}

function membersOf(object: BpfObject, map: MapDefinition): string[] {
  const number = (name: string, value: number | bigint): string[] =>
    value === 0 || value === 0n ? [] : [`__uint(${name}, ${value})`];
  const type = (name: string, id: number, size: number): string[] =>
    id !== 0 && object.btf !== null
      ? [`__type(${name}, ${formatType(object.btf, id)})`]
      : number(`${name}_size`, size);
  return [
    `__uint(type, ${constantOf(map.type)})`,
    ...type('key', map.keyType, map.keySize),
    ...type('value', map.valueType, map.valueSize),
    ...number('max_entries', map.maxEntries),
    ...(map.flags === 0 ? [] : [`__uint(map_flags, 0x${map.flags.toString(16)})`]),
    ...(map.mapExtra === 0n ? [] : [`__ulong(map_extra, ${map.mapExtra})`]),
    ...number('numa_node', map.numaNode),
    ...(map.pinning === 1 ? ['__uint(pinning, LIBBPF_PIN_BY_NAME)'] : number('pinning', map.pinning)),
    ...valuesOf(object, map),
  ];
}

function constantOf(type: number): string {
  const name = mapTypeName(type);
  return name.includes(' ') ? String(type) : `BPF_MAP_TYPE_${name.toUpperCase()}`;
}

/** Maps hold maps one level deep. */
function valuesOf(object: BpfObject, map: MapDefinition): string[] {
  if (map.inner !== null) return [`__array(values, ${structOf(object, map.inner)})`];
  return map.holdsPrograms ? ['__array(values, int(void *))'] : [];
}
