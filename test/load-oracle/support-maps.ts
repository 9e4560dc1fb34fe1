/** Random map definitions around the limits of every type. */

import { type Btf, BtfBuilder, sizeOfType } from '../../src/btf/index.ts';
import type { MapMachine, MapShape } from '../../src/object/maps/shape.ts';
import * as uapi from '../../src/uapi/index.ts';

type Random = (below: number) => number;

/** A valid definition of each type, from which random ones differ in some fields. */
const VALID: ReadonlyMap<number, Partial<MapShape>> = new Map([
  [uapi.BPF_MAP_TYPE_STACK_TRACE, { valueSize: 8 }],
  [uapi.BPF_MAP_TYPE_LPM_TRIE, { keySize: 8, flags: uapi.BPF_F_NO_PREALLOC }],
  [uapi.BPF_MAP_TYPE_CGROUP_STORAGE, { keySize: 8, maxEntries: 0 }],
  [uapi.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, { keySize: 16, maxEntries: 0 }],
  [uapi.BPF_MAP_TYPE_QUEUE, { keySize: 0 }],
  [uapi.BPF_MAP_TYPE_STACK, { keySize: 0 }],
  [uapi.BPF_MAP_TYPE_BLOOM_FILTER, { keySize: 0 }],
  [uapi.BPF_MAP_TYPE_RINGBUF, { keySize: 0, valueSize: 0, maxEntries: 4096 }],
  [uapi.BPF_MAP_TYPE_USER_RINGBUF, { keySize: 0, valueSize: 0, maxEntries: 4096 }],
  [uapi.BPF_MAP_TYPE_ARENA, { keySize: 0, valueSize: 0, flags: uapi.BPF_F_MMAPABLE }],
  [uapi.BPF_MAP_TYPE_SK_STORAGE, { maxEntries: 0, flags: uapi.BPF_F_NO_PREALLOC }],
  [uapi.BPF_MAP_TYPE_INODE_STORAGE, { maxEntries: 0, flags: uapi.BPF_F_NO_PREALLOC }],
  [uapi.BPF_MAP_TYPE_TASK_STORAGE, { maxEntries: 0, flags: uapi.BPF_F_NO_PREALLOC }],
  [uapi.BPF_MAP_TYPE_CGRP_STORAGE, { maxEntries: 0, flags: uapi.BPF_F_NO_PREALLOC }],
  [uapi.BPF_MAP_TYPE_INSN_ARRAY, { valueSize: 16 }],
]);

const MIB = 2 ** 20;
const KEY_SIZES = [0, 1, 3, 4, 5, 8, 12, 16, 260, 261, 512, 513, 4 * MIB - 57, 4 * MIB - 56, 2 ** 32 - 1];
const VALUE_SIZES = [
  ...[0, 1, 2, 4, 7, 8, 12, 16, 20, 24, 32, 64, 1016, 1024, 4064, 4096, 32767, 32768, 32769, 65407, 65408],
  ...[280, 284].flatMap(header => [4 * MIB - header, 4 * MIB - header + 1]),
  ...[53, 52, 57, 56].map(header => 4 * MIB - header),
  ...[4 * MIB, 4 * MIB + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1],
];
const ENTRIES = [
  ...[0, 1, 2, 3, 4, 7, 100, 4095, 4096, 4097, 8192, 12288, 65536, 300, 8192, 8193],
  ...[2 ** 20, 2 ** 20 + 1, 2 ** 27, 2 ** 27 + 1, 2 ** 28, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1],
];
const EXTRAS = [1n, 15n, 16n, 4096n, 0x1_ffff_f000n, 0x1_ffff_e000n, 0xffff_ffffn, 1n << 63n];
const NODES = [0, 1, 5, 2 ** 32 - 1];

/** A definition of the type with up to three fields changed. */
export function randomShape(type: number, types: KnownTypes, random: Random): MapShape {
  const shape: Draft = { ...plainShape(type), ...VALID.get(type) };
  for (let changes = random(4); changes > 0; changes--) changeField(shape, random);
  if (shape.type === uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS || shape.type === uapi.BPF_MAP_TYPE_HASH_OF_MAPS) {
    const inner = 1 + random(uapi.BPF_MAP_TYPE_INSN_ARRAY);
    const simple = { ...plainShape(inner), ...VALID.get(inner) };
    shape.inner = random(8) === 0 ? null : random(2) === 0 ? plainShape(uapi.BPF_MAP_TYPE_ARRAY) : simple;
  }
  if (random(2) === 0 || isLocalStorage(type)) addTypes(shape, types, random);
  return shape;
}

type Draft = { -readonly [K in keyof MapShape]: MapShape[K] };

function plainShape(type: number): MapShape {
  const none = { flags: 0, mapExtra: 0n, numaNode: 0, keyType: 0, valueType: 0, inner: null };
  return { type, keySize: 4, valueSize: 4, maxEntries: 1, ...none };
}

function changeField(shape: Draft, random: Random): void {
  switch (random(6)) {
    case 0:
      shape.keySize = pick(KEY_SIZES, random);
      return;
    case 1:
      shape.valueSize = pick(VALUE_SIZES, random);
      return;
    case 2:
      shape.maxEntries = pick(ENTRIES, random);
      return;
    case 3:
      shape.numaNode = pick(NODES, random);
      shape.flags = (shape.flags | uapi.BPF_F_NUMA_NODE) >>> 0;
      return;
    case 4:
      shape.mapExtra = pick(EXTRAS, random);
      return;
    default:
      shape.flags = (shape.flags ^ (2 ** random(19))) >>> 0;
      if (random(20) === 0) shape.flags = (shape.flags | (2 ** (19 + random(13)))) >>> 0;
  }
}

function pick<T>(values: readonly T[], random: Random): T {
  const value = values[random(values.length)];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}

/** Types for keys and values, by kind. */
export interface KnownTypes {
  readonly btf: Btf;
  readonly ids: readonly number[];
}

export function knownTypes(): KnownTypes {
  const builder = new BtfBuilder();
  const int = (name: string, size: number) =>
    builder.add({
      kind: 'int',
      name,
      size,
      bits: size * 8,
      bitOffset: 0,
      signed: false,
      char: false,
      bool: false,
    });
  const bytes = [1, 4, 8, 16].map(size => int(`u${size * 8}`, size));
  const [u8 = 0, u32 = 0] = bytes;
  const typedefs = [u32, ...bytes.slice(2)].map(type => builder.add({ kind: 'typedef', name: 'word', type }));
  const constant = builder.add({ kind: 'const', type: u32 });
  const choice = builder.add({
    kind: 'enum',
    name: 'choice',
    size: 4,
    signed: false,
    values: [{ name: 'ONE', value: 1n }],
  });
  const member = { name: 'first', type: u32, bitOffset: 0, bitSize: 0 };
  const structs = [4, 5, 8, 12, 16, 20, 260, 65407, 65408].map(size =>
    builder.add({ kind: 'struct', name: `key_${size}`, size, members: [member] }),
  );
  const array = builder.add({ kind: 'array', element: u8, index: u32, length: 8 });
  return { ids: [...bytes, ...typedefs, constant, choice, ...structs, array], btf: builder.build() };
}

/** Sizes follow from the types, as in definitions. */
function addTypes(shape: Draft, { btf, ids }: KnownTypes, random: Random): void {
  if (shape.keySize !== 0 && random(8) !== 0) {
    const fitting = ids.filter(id => sizeOfType(btf, id) === shape.keySize);
    shape.keyType = fitting.length === 0 ? 0 : pick(fitting, random);
  }
  const fitting = ids.filter(id => sizeOfType(btf, id) === shape.valueSize);
  if (fitting.length > 0 && random(8) !== 0) shape.valueType = pick(fitting, random);
}

function isLocalStorage(type: number): boolean {
  return [
    uapi.BPF_MAP_TYPE_SK_STORAGE,
    uapi.BPF_MAP_TYPE_INODE_STORAGE,
    uapi.BPF_MAP_TYPE_TASK_STORAGE,
    uapi.BPF_MAP_TYPE_CGRP_STORAGE,
  ].includes(type);
}

/** About how many bytes the kernel allocates for the map at once. */
export function allocation(shape: MapShape, { cpus }: MapMachine): number {
  return (shape.maxEntries + 1) * (shape.keySize + shape.valueSize * cpus + 64);
}

/** A small valid definition of the type, with types where the kernel requires them. */
export function validShape(type: number, { btf, ids }: KnownTypes): MapShape {
  const shape = { ...plainShape(type), ...VALID.get(type) };
  const ofSize = (size: number): number => ids.find(id => sizeOfType(btf, id) === size) ?? 0;
  const typed = isLocalStorage(type) ? { keyType: ofSize(4), valueType: ofSize(4) } : {};
  const holdsMaps = type === uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS || type === uapi.BPF_MAP_TYPE_HASH_OF_MAPS;
  // programs can use an arena whose address is known
  const placed = type === uapi.BPF_MAP_TYPE_ARENA ? { mapExtra: 1n << 44n } : {};
  return { ...shape, ...typed, ...placed, inner: holdsMaps ? plainShape(uapi.BPF_MAP_TYPE_ARRAY) : null };
}
