/** BTF types of key and value: which maps take them, as in `map_check_btf` of the kernel. */

import { type Btf, type BtfId, skipModifiers } from '../../btf/index.ts';
import * as uapi from '../../uapi/index.ts';
import { MAP_KINDS } from './kinds.ts';
import type { MapShape } from './shape.ts';

/**
 * Whether loaders pass the types of key and value to the kernel. For the other types of maps libbpf leaves
 * them out, too.
 */
export function takesTypes({
  type,
  keyType,
  valueType,
}: Pick<MapShape, 'type' | 'keyType' | 'valueType'>): boolean {
  return (keyType !== 0 || valueType !== 0) && MAP_KINDS.get(type)?.types !== 'none';
}

/**
 * Why the kernel refuses the types of key and value; undefined when it takes them. Loaders then create the
 * map without types, unless its type requires them. What the types contain (locks, timers, pointers) is not
 * looked at.
 */
export function typesRefusal(shape: MapShape, btf: Btf): string | undefined {
  const { type, keyType, valueType } = shape;
  const wanted = MAP_KINDS.get(type)?.types;
  if (wanted === undefined || wanted === 'none') return 'this type of map takes no types';
  if (valueType === 0) return 'the value has no type';
  if (keyType === 0) return keylessRefusal(shape, btf);
  switch (wanted) {
    case 'no key':
      return 'this type of map has no keys';
    case 'int key':
      return isInt(btf, keyType, 4) ? undefined : 'the key is not an integer of 4 bytes';
    case 'struct key':
      return kindOf(btf, keyType) === 'struct'
        ? undefined
        : 'the key is not a struct that starts with the length of the prefix';
    case 'storage key':
      return isStorageKey(btf, keyType) ? undefined : 'the key is not struct bpf_cgroup_storage_key or __u64';
    default:
      return undefined;
  }
}

/** Globals are the one value of an array; bloom filters have no keys. */
function keylessRefusal({ type, maxEntries, valueType }: MapShape, btf: Btf): string | undefined {
  if (type === uapi.BPF_MAP_TYPE_BLOOM_FILTER) return undefined;
  const globals = type === uapi.BPF_MAP_TYPE_ARRAY && maxEntries === 1;
  return globals && kindOf(btf, valueType) === 'datasec' ? undefined : 'the key has no type';
}

function kindOf(btf: Btf, id: BtfId): string {
  return btf.type(skipModifiers(btf, id)).kind;
}

function isInt(btf: Btf, id: BtfId, size: number): boolean {
  const type = btf.type(skipModifiers(btf, id));
  return type.kind === 'int' && type.size === size;
}

/** The id of a cgroup, alone or with an attach type. */
function isStorageKey(btf: Btf, id: BtfId): boolean {
  const type = btf.type(skipModifiers(btf, id));
  if (type.kind !== 'struct') return isInt(btf, id, 8);
  const [cgroup, attachType, ...others] = type.members;
  if (cgroup === undefined || attachType === undefined || others.length > 0) return false;
  return isInt(btf, cgroup.type, 8) && isInt(btf, attachType.type, 4) && attachType.bitOffset === 64;
}
