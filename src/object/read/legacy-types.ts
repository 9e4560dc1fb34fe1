/** The types of BTF-defined maps, built for maps that come with numbers only. */

import {
  type Btf,
  BtfBuilder,
  type BtfId,
  type BtfMember,
  type BtfType,
  editBtf,
  INT,
} from '../../btf/index.ts';
import type { LegacyMap } from './legacy-layouts.ts';

/** A map to be described. */
export interface DescribedMap {
  readonly name: string;
  readonly map: LegacyMap;
  /** As in BTF definitions: 0 none, 1 by name. */
  readonly pinning: number;
  /** Template of the maps that it holds; null for maps that hold none. */
  readonly inner: { readonly name: string; readonly map: LegacyMap } | null;
  /** A program array with initial values. */
  readonly holdsPrograms: boolean;
  /** VAR of the symbol as compiled, whose type is replaced; 0 for none. */
  readonly variable: BtfId;
}

/** The type of a map symbol. */
export interface MapType {
  /** VAR. */
  readonly variable: BtfId;
  /** Bytes of the definition without initial values; these follow, 8 bytes each. */
  readonly size: number;
}

/** Bytes of a pointer in a definition. */
export const POINTER_SIZE = 8;

/** Adds definitions to types, or begins new types. */
export class LegacyTypes {
  readonly #builder: BtfBuilder;
  readonly #edits = new Map<BtfId, BtfType>();
  readonly #numbers = new Map<number, BtfId>();
  readonly #pairs: ReadonlyMap<string, KeyAndValue>;
  #int: BtfId = 0;

  constructor(base: Btf | null) {
    this.#builder = base === null ? new BtfBuilder() : new BtfBuilder(base);
    this.#pairs = base === null ? new Map() : annotatedPairs(base);
  }

  /** Describes a map. */
  define({ name, map, pinning, inner, holdsPrograms, variable }: DescribedMap): MapType {
    const members = this.#members(name, map);
    if (pinning !== 0) members.push(['pinning', this.#number(pinning)]);
    if (inner !== null) members.push(['values', this.#values(this.#members(inner.name, inner.map))]);
    if (holdsPrograms) members.push(['values', this.#programs()]);
    const size = (members.length - (inner === null && !holdsPrograms ? 0 : 1)) * POINTER_SIZE;
    const type = this.#struct(members, size);
    const described: BtfType = { kind: 'var', name, type, linkage: 'global' };
    if (variable === 0) return { variable: this.#builder.add(described), size };
    this.#edits.set(variable, described);
    return { variable, size };
  }

  /** All types. Nothing can be defined afterwards. */
  build(): Btf {
    return editBtf(this.#builder.build(), this.#edits);
  }

  /** What is zero is left out, as in C. */
  #members(name: string, map: LegacyMap): [string, BtfId][] {
    const pair = this.#pairs.get(name);
    const numbers: readonly (readonly [string, number])[] = [
      ['type', map.type],
      ...(pair === undefined ? SIZES.map(([field, key]) => [field, map[key]] as const) : []),
      ['max_entries', map.maxEntries],
      ['map_flags', map.flags],
      ['numa_node', map.numaNode],
    ];
    const members = numbers.flatMap(([field, value]): [string, BtfId][] =>
      value === 0 ? [] : [[field, this.#number(value)]],
    );
    if (pair === undefined) return members;
    return [...members, ['key', this.#pointer(pair.key)], ['value', this.#pointer(pair.value)]];
  }

  /** `__uint()`: a pointer to an array of that many elements. */
  #number(value: number): BtfId {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    this.#int ||= this.#builder.add(INT);
    const array = { kind: 'array', element: this.#int, index: this.#int, length: value } as const;
    const id = this.#pointer(this.#builder.add(array));
    this.#numbers.set(value, id);
    return id;
  }

  /** `__array()`: pointers to definitions, as many as there are initial values. */
  #values(inner: readonly [string, BtfId][]): BtfId {
    return this.#array(this.#pointer(this.#struct(inner, inner.length * POINTER_SIZE)));
  }

  /** `__array(values, int (void *))`. */
  #programs(): BtfId {
    this.#int ||= this.#builder.add(INT);
    const context = { name: '', type: this.#pointer(0) };
    return this.#array(
      this.#pointer(this.#builder.add({ kind: 'func_proto', returns: this.#int, params: [context] })),
    );
  }

  #array(element: BtfId): BtfId {
    return this.#builder.add({ kind: 'array', element, index: this.#int, length: 0 });
  }

  #struct(members: readonly (readonly [string, BtfId])[], size: number): BtfId {
    const placed = members.map(
      ([name, type], position): BtfMember => ({
        name,
        type,
        bitOffset: position * POINTER_SIZE * 8,
        bitSize: 0,
      }),
    );
    return this.#builder.add({ kind: 'struct', name: '', size, members: placed });
  }

  #pointer(type: BtfId): BtfId {
    return this.#builder.add({ kind: 'ptr', type });
  }
}

const SIZES = [
  ['key_size', 'keySize'],
  ['value_size', 'valueSize'],
] as const;

interface KeyAndValue {
  readonly key: BtfId;
  readonly value: BtfId;
}

/** Prefix of the structs that `BPF_ANNOTATE_KV_PAIR` declares. */
const ANNOTATION = '____btf_map_';

/** Types of key and value by map name: the structs with which programs describe legacy maps. */
function annotatedPairs(btf: Btf): Map<string, KeyAndValue> {
  const pairs = new Map<string, KeyAndValue>();
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if (type.kind !== 'struct' || !type.name.startsWith(ANNOTATION)) continue;
    const [key, value] = type.members;
    if (key === undefined || value === undefined) continue;
    pairs.set(type.name.slice(ANNOTATION.length), { key: key.type, value: value.type });
  }
  return pairs;
}
