/**
 * Types of the maps and variables of an entry: those that the kernel keeps with a map, where this user may read them, else
 * those of the file that the store keeps with the entry.
 */

import { type Btf, type BtfId, sizeOfType, skipModifiers } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { type BpfMap, HOST_ORDER, isNotVisible } from '../../kernel/index.ts';
import { type BpfObject, layoutSections, parseMapDefinition, sectionOf } from '../../object/index.ts';
import { type KeptTypes, MapTypes, type PlacedVariable, variablesOf } from '../../state/index.ts';
import type { MapRecord, Store, StoreEntry } from '../../store/index.ts';
import {
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_USER_RINGBUF,
} from '../../uapi/index.ts';
import { OBJECT_FILE } from '../entries/index.ts';

/** Types of one map. */
export interface ItemTypes {
  readonly btf: Btf;
  /** 0 where it is not known, or has another size than the map's. */
  readonly key: BtfId;
  readonly value: BtfId;
  /** Of records, in rings and event arrays, which have no values; 0 where it is not known. */
  readonly record: BtfId;
  /** Of a data section; undefined for other maps. */
  readonly variables: readonly PlacedVariable[] | undefined;
  readonly from: 'kernel' | 'object';
}

/** Types of the maps of one entry. */
export class EntryTypes {
  readonly #store: Store;
  readonly #entry: StoreEntry;
  readonly #kernel = new MapTypes();
  #hidden = false;

  constructor(store: Store, entry: StoreEntry) {
    this.#store = store;
    this.#entry = entry;
  }

  /** Whether the kernel has types that this user may not read. */
  get hidden(): boolean {
    return this.#hidden;
  }

  /** Undefined when nothing is known of its types. */
  of(record: MapRecord, map: BpfMap): ItemTypes | undefined {
    return this.#ofKernel(map) ?? this.#ofObject(record, map);
  }

  #ofKernel(map: BpfMap): ItemTypes | undefined {
    const kept = this.#readKept(map);
    if (kept === undefined) return undefined;
    const { btf, key, value } = kept;
    const variables = variablesOf(btf, value);
    if (variables !== undefined) return { btf, ...NO_TYPES, variables, from: 'kernel' };
    return known({ btf, ...typesOf(btf, map, key, value), variables, from: 'kernel' });
  }

  /** Without the right to open types by their id there are none. */
  #readKept(map: BpfMap): KeptTypes | undefined {
    try {
      return this.#kernel.of(map);
    } catch (error) {
      if (!isNotVisible(error)) throw error;
      this.#hidden = true;
      return undefined;
    }
  }

  #ofObject(record: MapRecord, map: BpfMap): ItemTypes | undefined {
    const object = this.#objectOf(record);
    if (object === undefined || object.btf === null || object.byteOrder !== HOST_ORDER) return undefined;
    const { btf } = object;
    const symbol = object.symbols.find(({ kind, name }) => kind === 'map' && name === record.map);
    if (symbol?.kind === 'map') {
      const { keyType, valueType } = parseMapDefinition(object, symbol);
      return known({ btf, ...typesOf(btf, map, keyType, valueType), variables: undefined, from: 'object' });
    }
    const variables = sectionVariables(object, record.map, map.valueSize);
    return variables === undefined ? undefined : { btf, ...NO_TYPES, variables, from: 'object' };
  }

  /** Types of the file that a map comes from; null where it has none. */
  ofFile(record: MapRecord): Btf | null {
    const object = this.#objectOf(record);
    return object === undefined ? null : object.btf;
  }

  /** The file that a map comes from: of a component its own. */
  #objectOf({ name, map, component }: MapRecord): BpfObject | undefined {
    const part = name.slice(0, -(map.length + 1));
    const key = component === null ? OBJECT_FILE : `component:${part}`;
    const bytes = this.#store.files(this.#entry).get(key);
    if (bytes === undefined) return undefined;
    return this.#store.object(this.#entry, key, { name: this.#entry.record.source, bytes }).object;
  }
}

const NO_TYPES = { key: 0, value: 0, record: 0 } as const;

function known(types: ItemTypes): ItemTypes | undefined {
  return types.key === 0 && types.value === 0 && types.record === 0 ? undefined : types;
}

/** Types of a map, as far as they have its sizes. */
function typesOf(
  btf: Btf,
  map: BpfMap,
  key: BtfId,
  value: BtfId,
): Pick<ItemTypes, 'key' | 'value' | 'record'> {
  const sized = { key: fitting(btf, key, map.keySize), value: fitting(btf, value, map.valueSize) };
  if (!RECORDS.includes(map.type)) return { ...sized, record: 0 };
  return { key: 0, value: 0, record: isStruct(btf, value) ? value : 0 };
}

/** The value of an event array is a descriptor, unless its definition names the records. */
function isStruct(btf: Btf, id: BtfId): boolean {
  const resolved = id === 0 ? 0 : skipModifiers(btf, id);
  const kind = resolved === 0 ? undefined : btf.type(resolved).kind;
  return kind === 'struct' || kind === 'union';
}

/** Map types whose contents are records, not values. */
const RECORDS = [BPF_MAP_TYPE_RINGBUF, BPF_MAP_TYPE_USER_RINGBUF, BPF_MAP_TYPE_PERF_EVENT_ARRAY];

function fitting(btf: Btf, type: BtfId, size: number): BtfId {
  return type !== 0 && type <= btf.count && sizeOfType(btf, type) === size ? type : 0;
}

/** Undefined for a name that is not a data section of the object, or one of another size. */
function sectionVariables(object: BpfObject, section: string, size: number): PlacedVariable[] | undefined {
  const { btf } = object;
  const layout = layoutSections(object);
  const placed = layout.sections.find(one => object.sections[one.section]?.name === section);
  if (btf === null || placed === undefined || placed.size !== size) return undefined;
  return object.symbols.flatMap((symbol, index): PlacedVariable[] => {
    if (symbol.kind !== 'variable' || symbol.name === '' || sectionOf(object, symbol)?.name !== section)
      return [];
    const type = symbol.btfId === 0 ? undefined : btf.type(symbol.btfId);
    return [
      {
        name: symbol.name,
        offset: elementAt(layout.offsets, index),
        size: symbol.size,
        type: type?.kind === 'var' ? type.type : symbol.btfId,
      },
    ];
  });
}
