/**
 * Map definitions: as `SEC(".maps")` variables specify them in their BTF types.
 *
 * A definition is a struct whose members carry values in their types: `__uint(max_entries, 8)` is a pointer
 * to an array of 8 elements, `__type(key, T)` a pointer to T, `__ulong(map_extra, N)` an anonymous enum,
 * `__array(values, T)` an array of pointers to T. Mirrors libbpf's parser: unknown members are errors,
 * `values` must be the last one.
 */

import {
  type Btf,
  type BtfComposite,
  type BtfId,
  type BtfMember,
  sizeOfType,
  skipModifiers,
} from '../../btf/index.ts';
import { type CodeOf, inputError, quote, RootletError } from '../../diag/index.ts';
import {
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_PROG_ARRAY,
} from '../../uapi/index.ts';
import type { BpfObject, BpfSymbol, ExternSymbol, MapSymbol } from './model.ts';

/** A map as its BTF definition describes it. Sizes in bytes. */
export interface MapDefinition {
  readonly name: string;
  /** enum bpf_map_type. */
  readonly type: number;
  /** Bytes; 0 where the map type has no keys. */
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: bigint;
  readonly numaNode: number;
  /** 0 none, 1 by name (`LIBBPF_PIN_BY_NAME`); other values are other loaders' own. */
  readonly pinning: number;
  /** BTF types of key and value; 0 when only sizes were given. */
  readonly keyType: BtfId;
  readonly valueType: BtfId;
  /** Template of the maps held by a map of maps. */
  readonly inner: MapDefinition | null;
  /** `values` of a program array: the member is there, with function pointers as elements. */
  readonly holdsPrograms: boolean;
  /** Byte offset of `values` in the definition: static initialisers are there, 8 bytes an element. */
  readonly valuesOffset: number;
}

/** The definition of a map of which only type and sizes are known. */
export function plainDefinition(
  sizes: Pick<MapDefinition, 'name' | 'type' | 'keySize' | 'valueSize' | 'maxEntries'>,
): MapDefinition {
  return { ...NO_DEFINITION, ...sizes };
}

const NO_DEFINITION: MapDefinition = {
  name: '',
  type: 0,
  keySize: 0,
  valueSize: 0,
  maxEntries: 0,
  flags: 0,
  mapExtra: 0n,
  numaNode: 0,
  pinning: 0,
  keyType: 0,
  valueType: 0,
  inner: null,
  holdsPrograms: false,
  valuesOffset: 0,
};

type Draft = { -readonly [K in keyof MapDefinition]: MapDefinition[K] };

/** The definition of one map symbol. Throws `map-…` errors naming the map and the member. */
export function parseMapDefinition(object: BpfObject, symbol: MapSymbol | ExternSymbol): MapDefinition {
  const where = [object.name, `map ${quote(symbol.name)}`];
  if (object.btf === null || symbol.btfId === 0) {
    throw untypedMap(where);
  }
  const variable = object.btf.type(symbol.btfId);
  if (variable.kind !== 'var')
    throw inputError('map-not-variable', where, `is a BTF ${variable.kind}, not a variable`);
  return parseDefinitionType(object.btf, variable.type, symbol.name, where, 0);
}

/** The error of a map in `.maps` that is not described in BTF: nothing else defines such a map. */
export function untypedMap(where: readonly string[]): RootletError {
  return inputError('map-no-btf', where, 'has no BTF definition', {
    hint: 'compile with -g, and strip with llvm-strip -g, never plain strip',
  });
}

/**
 * Whether the symbol is a map that asks for a pin, by name or of a kind that only other loaders support. Its
 * name is then used outside. Throws as `parseMapDefinition`.
 */
export function isPinnedMap(object: BpfObject, symbol: BpfSymbol): boolean {
  return symbol.kind === 'map' && symbol.btfId !== 0 && parseMapDefinition(object, symbol).pinning !== 0;
}

function parseDefinitionType(
  btf: Btf,
  typeId: BtfId,
  name: string,
  where: readonly string[],
  depth: number,
): MapDefinition {
  const type = btf.type(skipModifiers(btf, typeId));
  if (type.kind !== 'struct')
    throw inputError('map-not-struct', where, `is defined by a ${type.kind}, not a struct`);
  const draft: Draft = { ...NO_DEFINITION, name };
  type.members.forEach((member, position) => {
    applyMember({ btf, draft, type, where, depth }, member, position);
  });
  return finish(draft, where);
}

interface Context {
  readonly btf: Btf;
  readonly draft: Draft;
  readonly type: BtfComposite;
  readonly where: readonly string[];
  readonly depth: number;
}

function applyMember(context: Context, member: BtfMember, position: number): void {
  const { btf, draft, where } = context;
  switch (member.name) {
    case 'type':
      draft.type = uintOf(context, member);
      return;
    case 'max_entries':
      draft.maxEntries = uintOf(context, member);
      return;
    case 'map_flags':
      draft.flags = uintOf(context, member);
      return;
    case 'numa_node':
      draft.numaNode = uintOf(context, member);
      return;
    case 'pinning':
      draft.pinning = uintOf(context, member);
      return;
    case 'map_extra':
      draft.mapExtra = ulongOf(context, member);
      return;
    case 'key_size':
      draft.keySize = agree(draft.keySize, uintOf(context, member), 'key', where);
      return;
    case 'value_size':
      draft.valueSize = agree(draft.valueSize, uintOf(context, member), 'value', where);
      return;
    case 'key':
      draft.keyType = pointee(context, member);
      draft.keySize = agree(draft.keySize, sizeOfPart(btf, draft.keyType, 'key', where), 'key', where);
      return;
    case 'value':
      draft.valueType = pointee(context, member);
      draft.valueSize = agree(
        draft.valueSize,
        sizeOfPart(btf, draft.valueType, 'value', where),
        'value',
        where,
      );
      return;
    case 'values':
      applyValues(context, member, position);
      return;
    default:
      throw memberError(context, member, 'is not a known member of a map definition', 'map-unknown-member');
  }
}

/** The size of a key or value; what has none is reported as a part of the map. */
function sizeOfPart(btf: Btf, id: BtfId, what: string, where: readonly string[]): number {
  try {
    return sizeOfType(btf, id);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    throw new RootletError(
      error.problems.map(inner => ({
        ...inner,
        where: [...where, what],
        hint: 'the type must be complete where the map is defined; a C++ template must be instantiated',
      })),
    );
  }
}

function agree(known: number, now: number, what: string, where: readonly string[]): number {
  if (known !== 0 && known !== now) {
    throw inputError('map-size-conflict', where, `${what} size is given twice: ${known} and ${now} bytes`);
  }
  return now;
}

/** `__uint`: pointer to an array whose length is the value. */
function uintOf(context: Context, member: BtfMember): number {
  const { btf } = context;
  const pointer = btf.type(skipModifiers(btf, member.type));
  const array =
    pointer.kind === 'ptr' && pointer.type !== 0 ? btf.type(skipModifiers(btf, pointer.type)) : pointer;
  if (pointer.kind !== 'ptr' || array.kind !== 'array') {
    throw memberError(context, member, 'is not written with __uint()', 'map-member-form');
  }
  return array.length;
}

/** `__ulong`: an enum with one value; `__uint` is accepted as well. */
function ulongOf(context: Context, member: BtfMember): bigint {
  const { btf } = context;
  const type = btf.type(skipModifiers(btf, member.type));
  if (type.kind !== 'enum' && type.kind !== 'enum64') return BigInt(uintOf(context, member));
  const [only, ...others] = type.values;
  if (only === undefined || others.length > 0) {
    throw memberError(context, member, 'is not an enum of one value', 'map-member-form');
  }
  return only.value;
}

function pointee(context: Context, member: BtfMember): BtfId {
  const type = context.btf.type(skipModifiers(context.btf, member.type));
  if (type.kind !== 'ptr' || type.type === 0) {
    throw memberError(context, member, 'is not written with __type()', 'map-member-form');
  }
  return type.type;
}

function applyValues(context: Context, member: BtfMember, position: number): void {
  const { btf, draft, type, where, depth } = context;
  if (position !== type.members.length - 1) {
    throw memberError(context, member, 'must be the last member', 'map-values-not-last');
  }
  if (depth > 0) throw memberError(context, member, 'inside an inner map definition', 'map-inner-depth');
  const array = btf.type(skipModifiers(btf, member.type));
  const pointer = array.kind === 'array' ? btf.type(skipModifiers(btf, array.element)) : array;
  if (array.kind !== 'array' || pointer.kind !== 'ptr' || pointer.type === 0) {
    throw memberError(context, member, 'is not written with __array()', 'map-member-form');
  }
  draft.valuesOffset = member.bitOffset / 8;
  draft.valueSize = agree(draft.valueSize, 4, 'value', where);
  const element = btf.type(skipModifiers(btf, pointer.type));
  if (element.kind === 'func_proto') {
    if (draft.type !== BPF_MAP_TYPE_PROG_ARRAY)
      throw memberError(
        context,
        member,
        'contains functions, but the map is not a program array',
        'map-values-type',
      );
    draft.holdsPrograms = true;
    draft.keySize = agree(draft.keySize, 4, 'key', where);
    return;
  }
  if (draft.type !== BPF_MAP_TYPE_ARRAY_OF_MAPS && draft.type !== BPF_MAP_TYPE_HASH_OF_MAPS) {
    throw memberError(context, member, 'contains maps, but the map is not a map of maps', 'map-values-type');
  }
  draft.inner = parseDefinitionType(
    btf,
    pointer.type,
    `${draft.name}.inner`,
    [...where, 'inner map'],
    depth + 1,
  );
}

/** Sizes that a type implies, as libbpf fills them in. */
function finish(draft: Draft, where: readonly string[]): MapDefinition {
  if (draft.type === 0) throw inputError('map-no-type', where, 'has no type');
  const impliedBoth = [
    BPF_MAP_TYPE_PERF_EVENT_ARRAY,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_MAP_TYPE_ARRAY_OF_MAPS,
  ].includes(draft.type);
  if (impliedBoth && draft.keySize === 0) draft.keySize = 4;
  if ((impliedBoth || draft.type === BPF_MAP_TYPE_HASH_OF_MAPS) && draft.valueSize === 0) draft.valueSize = 4;
  return draft;
}

function memberError(
  context: Context,
  member: BtfMember,
  message: string,
  code: CodeOf<'input'>,
): RootletError {
  return inputError(code, [...context.where, `member ${quote(member.name)}`], message);
}
