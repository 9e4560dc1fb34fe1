import { describe, expect, test } from 'vitest';
import { build, type Sample, sample, symbol } from '../../../test/hostile/object-sample.ts';
import { refusal } from '../../../test/hostile/object-spoil.ts';
import { checkWritten } from '../../../test/support/written-object.ts';
import { type MapDefinition, parseMapDefinition } from '../model/map-definition.ts';
import type { BpfObject, MapSymbol } from '../model/model.ts';
import { writeObject } from '../write/write.ts';
import { readObject } from './read.ts';

type Order = 'little' | 'big';
type Words = readonly number[];

/** The sample with `shared` and further maps as definitions of these numbers; `typed`: with BTF. */
function withMaps(
  maps: readonly Words[],
  {
    order = 'little',
    typed = false,
    section = 'maps',
  }: { order?: Order; typed?: boolean; section?: string } = {},
): Sample {
  const parts = sample();
  const size = (maps[0]?.length ?? 0) * 4;
  const bytes = new Uint8Array(size * maps.length);
  const view = new DataView(bytes.buffer);
  maps.flat().forEach((word, at) => {
    view.setUint32(at * 4, word, order === 'little');
  });
  parts.data.delete('.maps');
  parts.data.set(section, bytes);
  parts.symbols.splice(5, 1);
  maps.forEach((_, at) => {
    parts.symbols.push(symbol(at === 0 ? 'shared' : `map${at}`, section, at * size, size));
  });
  if (typed) parts.types.splice(16, 1);
  else {
    parts.types.length = 0;
    parts.ext.funcs.length = 0;
  }
  return parts;
}

function read(parts: Sample, order: Order = 'little'): BpfObject {
  return readObject({ name: 'x.o', bytes: build(parts, order) });
}

function definitionsOf(object: BpfObject): MapDefinition[] {
  return mapsOf(object).map(map => parseMapDefinition(object, map));
}

function mapsOf(object: BpfObject): MapSymbol[] {
  return object.symbols.flatMap(one => (one.kind === 'map' ? [one] : []));
}

const HASH = 1;
const ARRAY = 2;
const PROG_ARRAY = 3;
const ARRAY_OF_MAPS = 12;
const NUMA = 4;

/** Definition, its numbers, and what they mean beside type 1 or 2, key 4, value 8, 16 entries. */
const LAYOUTS: readonly (readonly [string, Words, Partial<MapDefinition>])[] = [
  ['16 bytes', [HASH, 4, 8, 16], {}],
  ['20 bytes', [HASH, 4, 8, 16, 1], { flags: 1 }],
  ['24 bytes, the last of them zero', [HASH, 4, 8, 16, 1, 0], { flags: 1 }],
  ['28 bytes of a Linux sample', [HASH, 4, 8, 16, NUMA, 0, 1], { flags: NUMA, numaNode: 1 }],
  ['28 bytes of aya', [HASH, 4, 8, 16, 0, 0, 1], { pinning: 1 }],
  ['28 bytes of iproute2', [HASH, 4, 8, 16, 0, 7, 2], { pinning: 1 }],
  ['36 bytes of iproute2', [HASH, 4, 8, 16, 1, 7, 0, 0, 0], { flags: 1 }],
  ['36 bytes, pinned for all', [HASH, 4, 8, 16, 0, 7, 2, 0, 0], { pinning: 1 }],
  ['36 bytes, pinned for the object', [HASH, 4, 8, 16, 0, 7, 1, 0, 0], { pinning: 0 }],
  ['64 bytes, the last of them zero', [HASH, 4, 8, 16, 1, ...new Array<number>(11).fill(0)], { flags: 1 }],
  [
    '280 bytes of gobpf',
    [HASH, 4, 8, 16, 1, 2, 0x6e616d65, ...new Array<number>(63).fill(0)],
    { flags: 1, pinning: 1 },
  ],
];

describe('a legacy map definition', () => {
  for (const [what, words, meaning] of LAYOUTS) {
    for (const order of ['little', 'big'] as const) {
      test(`of ${what} is a map of .maps (${order}-endian)`, () => {
        const object = read(withMaps([words, [ARRAY, ...words.slice(1)]], { order }), order);
        const base = { keySize: 4, valueSize: 8, maxEntries: 16, flags: 0, numaNode: 0, pinning: 0 };
        expect(definitionsOf(object)).toMatchObject([
          { name: 'shared', type: HASH, ...base, ...meaning },
          { name: 'map1', type: ARRAY, ...base, ...meaning },
        ]);
        const again = checkWritten(writeObject(object));
        expect(definitionsOf(again)).toEqual(definitionsOf(object));
        expect(again.sections.map(({ name }) => name)).toContain('.maps');
      });
    }
  }

  test('replaces the type that the compiler gave the symbol', () => {
    const object = read(withMaps([[HASH, 4, 8, 16, 0]], { typed: true }));
    expect(definitionsOf(object)).toMatchObject([{ type: HASH, keySize: 4, maxEntries: 16 }]);
    expect(definitionsOf(checkWritten(writeObject(object)))).toEqual(definitionsOf(object));
  });

  test('has the types of key and value that a struct ____btf_map_NAME gives it', () => {
    const parts = withMaps([[HASH, 4, 4, 16, 0]], { typed: true });
    const member = (name: string, bitOffset: number) => ({ name, type: 1, bitOffset, bitSize: 0 });
    const members = [member('key', 0), member('value', 32)];
    parts.types.push({ kind: 'struct', name: '____btf_map_shared', size: 8, members });
    const [map] = definitionsOf(read(parts));
    expect(map).toMatchObject({ keySize: 4, valueSize: 4 });
    expect([map?.keyType, map?.valueType]).not.toContain(0);
  });

  test('is found in sections maps/NAME, too', () => {
    const object = read(withMaps([[HASH, 4, 8, 16, 0]], { section: 'maps/shared' }));
    expect(definitionsOf(object)).toMatchObject([{ name: 'shared', type: HASH }]);
  });

  test('with a pin that is not the same here is noted', () => {
    const notes = (words: Words) => read(withMaps([words])).notes;
    expect(notes([HASH, 4, 8, 16, 0, 7, 0, 0, 0])).toBeUndefined();
    expect(notes([HASH, 4, 8, 16, 0, 7, 1, 0, 0])).toEqual([
      'x.o: map "shared": PIN_OBJECT_NS is not supported, so the map is not pinned',
    ]);
    expect(notes([HASH, 4, 8, 16, 0, 7, 2, 0, 0])).toEqual([
      'x.o: map "shared": PIN_GLOBAL_NS is read as pinned by name; tc pins such maps in /sys/fs/bpf/tc/globals',
    ]);
    expect(notes([HASH, 4, 8, 16, 0, 0, 1])?.[0]).toContain('pinning 1 is read as by name');
    expect(notes([HASH, 4, 8, 16, 0, 7, 9, 0, 0])?.[0]).toContain('kind of pinning 9 is not supported');
  });
});

describe('a legacy map of maps', () => {
  test('holds maps of the id that iproute2 gives, at their indexes', () => {
    const inner = (index: number): Words => [ARRAY, 4, 8, 1, 0, 42, 0, 0, index];
    const object = read(
      withMaps([[ARRAY_OF_MAPS, 4, 4, 4, 0, 0, 0, 42, 0], inner(2), inner(0xffffffff), inner(0)]),
    );
    const [outer] = mapsOf(object);
    expect(definitionsOf(object)[0]?.inner).toMatchObject({
      type: ARRAY,
      keySize: 4,
      valueSize: 8,
      maxEntries: 1,
    });
    const base = definitionsOf(object)[0]?.valuesOffset ?? -1;
    const held = outer?.references.map(({ offset, symbol: at }) => [
      (offset - base) / 8,
      object.symbols[at]?.name,
    ]);
    expect(held).toEqual([
      [0, 'map3'],
      [2, 'map1'],
    ]);
    checkWritten(writeObject(object));
  });

  test('is like the map at the index that a Linux sample gives', () => {
    const object = read(
      withMaps([
        [ARRAY, 4, 8, 1, 0, 0, 0],
        [ARRAY_OF_MAPS, 4, 4, 4, 0, 0, 0],
      ]),
    );
    expect(definitionsOf(object)[1]?.inner).toMatchObject({ type: ARRAY, valueSize: 8 });
    expect(mapsOf(object)[1]?.references).toEqual([]);
  });

  const refused: readonly (readonly [string, readonly Words[], string])[] = [
    [
      'an id that no map has',
      [[ARRAY_OF_MAPS, 4, 4, 4, 0, 0, 0, 42, 0]],
      'holds maps like the one with the id 42, which does not exist',
    ],
    [
      'an index that no map has',
      [[ARRAY_OF_MAPS, 4, 4, 4, 0, 3, 0]],
      'holds maps like the one with the index 3, which does not exist',
    ],
    [
      'itself inside',
      [[ARRAY_OF_MAPS, 4, 4, 4, 0, 0, 0]],
      'holds maps like "shared", which holds maps itself',
    ],
    [
      'two maps at one index',
      [
        [ARRAY_OF_MAPS, 4, 4, 4, 0, 0, 0, 1, 0],
        [ARRAY, 4, 8, 1, 0, 1, 0, 0, 1],
        [ARRAY, 4, 8, 1, 0, 1, 0, 0, 1],
      ],
      'gets two maps at index 1: "map1" and "map2"',
    ],
    [
      'a map after its end',
      [
        [ARRAY_OF_MAPS, 4, 4, 4, 0, 0, 0, 1, 0],
        [ARRAY, 4, 8, 1, 0, 1, 0, 0, 4],
      ],
      'has no index 4, where "map1" is to be',
    ],
  ];
  for (const [what, maps, message] of refused) {
    test(`with ${what} is refused`, () => {
      expect(refusal(() => read(withMaps(maps)))).toEqual({
        code: 'object-legacy-maps',
        message: `x.o: section "maps": map "shared": ${message} (offset 0x0)`,
      });
    });
  }
});

describe('legacy maps are refused', () => {
  const message = (change: (parts: Sample) => void, words: Words = [HASH, 4, 8, 16, 0]) => {
    const parts = withMaps([words, words]);
    change(parts);
    return refusal(() => read(parts));
  };
  const code = 'object-legacy-maps';

  test('when they are static', () => {
    const change = (parts: Sample) => parts.symbols.push({ ...symbol('own', 'maps', 0, 20), binding: 0 });
    expect(message(change)).toEqual({
      code,
      message:
        'x.o: section "maps": map "own": is static; legacy maps are found by their global symbols (offset 0x0)',
    });
  });

  test('when they are not of one size', () => {
    const change = (parts: Sample) => parts.symbols.push(symbol('late', 'maps', 32, 8));
    expect(message(change)).toEqual({
      code,
      message:
        'x.o: section "maps": has 40 bytes for 3 maps ("shared" at 0, "map1" at 20, "late" at 32), so its definitions are not of one size',
    });
  });

  test('when they are too small or have unknown fields', () => {
    expect(message(() => 0, [HASH, 4, 8])?.message).toContain('has 12 bytes; a definition has at least 16');
    expect(message(() => 0, [0, 4, 8, 16, 0])?.message).toContain('has type 0, which is not a type of maps');
    expect(message(() => 0, [HASH, 4, 8, 16, 0, 0, 0, 1])?.message).toContain(
      'are neither zero nor those of a known layout',
    );
    expect(message(() => 0, [HASH, 4, 8, 16, 0, 1])?.message).toContain(
      'are neither zero nor those of a known layout',
    );
  });
});

describe('a section ID/INDEX of iproute2', () => {
  /** The sample's program `prog` in a section of that name, and program arrays of the ids 2 and 8. */
  function stages(section: string, entries = 3) {
    const parts = withMaps([
      [PROG_ARRAY, 4, 4, entries, 0, 2, 0, 0, 0],
      [PROG_ARRAY, 4, 4, 3, 0, 8, 0, 0, 0],
    ]);
    parts.shells.set('tc', { name: section });
    const object = read(parts);
    const held = mapsOf(object).map((map, at) => {
      const base = parseMapDefinition(object, map).valuesOffset;
      return map.references.map(({ offset, symbol: one }) => [
        at,
        (offset - base) / 8,
        object.symbols[one]?.name,
      ]);
    });
    checkWritten(writeObject(object));
    return { held: held.flat(), notes: object.notes };
  }

  test.each([
    ['2/0', 0, 0],
    ['2/2', 0, 2],
    ['0x2/0x1', 0, 1],
    ['010/1', 1, 1],
  ])('%s fills the program array of that id', (section, map, index) => {
    const { held, notes } = stages(section);
    expect(held).toEqual([[map, index, 'prog']]);
    expect(notes).toEqual([
      `x.o: section "${section}": program "prog" is at index ${index} of map "${['shared', 'map1'][map]}", as in iproute2`,
    ]);
  });

  test.each(['3/0', 'tc/0', '2/0/1', '2'])('%s fills none', section => {
    expect(stages(section)).toEqual({ held: [], notes: undefined });
  });

  test('past the end of the array is refused', () => {
    expect(() => stages('2/3')).toThrow('has no index 3, where "prog" is to be');
  });
});
