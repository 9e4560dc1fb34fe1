/** One broken rule at a time: sections, records, map definitions, and lists of variables, which are repaired. */

import { describe, expect, test } from 'vitest';
import type { BtfType } from '../../src/btf/model/types.ts';
import { type MapDefinition, parseMapDefinition } from '../../src/object/model/map-definition.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { checkWritten } from '../support/written-object.ts';
import { build, R_ADDRESS, type Sample, symbol, TYPE } from './object-sample.ts';
import { alter, type Case, expectRefusal, refusal, relocate, spoilt } from './object-spoil.ts';

const SECTIONS: readonly Case[] = [
  [
    'two variables overlap',
    parts => alter(parts, 'table', { value: 2 }),
    'object-overlap',
    'x.o: section ".data": "table": overlaps "counter" (offset 0x2)',
  ],
  [
    'a map symbol of size 0',
    parts => alter(parts, 'shared', { size: 0 }),
    'object-symbol-size',
    'x.o: section ".maps": map "shared": has size 0, but its type has not',
  ],
  [
    'a variable symbol of size 0',
    parts => alter(parts, 'counter', { size: 0 }),
    'object-symbol-size',
    'x.o: section ".data": variable "counter": has size 0, but its type has not',
  ],
  [
    'maps that overlap',
    parts => parts.symbols.push(symbol('other', '.maps', 8, 8)),
    'object-overlap',
    'x.o: section ".maps": "other": overlaps "shared" (offset 0x8)',
  ],
  [
    'maps without contents',
    parts => {
      parts.data.set('.maps', null);
      parts.shells.set('.maps', { size: 0x7fffffff });
    },
    'object-maps-nobits',
    'x.o: section ".maps": has no contents, so it defines no maps',
  ],
  [
    'legacy maps',
    parts => parts.data.set('maps', new Uint8Array(20)),
    'object-legacy-maps',
    'x.o: section "maps": has 20 bytes but no symbols, so its maps have no names',
  ],
  [
    'a license without NUL',
    parts => parts.data.set('license', Uint8Array.of(0x47, 0x50, 0x4c, 0x21)),
    'object-license-unterminated',
    'x.o: section "license": does not end with a NUL byte',
  ],
  [
    'strings without NUL',
    parts => {
      parts.data.set('.rodata.str1.1', Uint8Array.of(0x61, 0, 0x62));
      parts.shells.set('.rodata.str1.1', { flags: 0x32, entsize: 1, align: 1 });
    },
    'object-string-section',
    'x.o: section ".rodata.str1.1": does not end with a NUL byte (offset 0x2)',
  ],
  [
    'an absolute symbol',
    parts => parts.symbols.push(symbol('fixed', 0xfff1, 42, 0)),
    'object-absolute-symbol',
    'x.o: symbol "fixed": is absolute; BPF code has no absolute addresses',
  ],
  [
    'no types at all',
    parts => {
      parts.types.length = 0;
      parts.ext.funcs.length = 0;
    },
    'map-no-btf',
    'x.o: map "shared": has no BTF definition',
  ],
  [
    'a jump table with an entry outside its function',
    parts => {
      // 0, and more than 64 in either byte order
      parts.data.set('.jumptables', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0));
      parts.symbols.push(symbol('', '.jumptables', 0, 0, { type: 3, binding: 0 }));
      relocate(parts, 'tc', { offset: 8, type: R_ADDRESS, symbol: '@.jumptables' });
    },
    'object-jump-table',
    'x.o: section ".jumptables": "": used by "prog": entry 1 is outside the function (offset 0x8)',
  ],
  [
    'a jump table of half an entry',
    parts => {
      parts.data.set('.jumptables', new Uint8Array(12));
      relocate(parts, 'tc', { offset: 8, type: R_ADDRESS, symbol: '@.jumptables' });
    },
    'object-jump-table',
    'x.o: section ".jumptables": "": used by "prog": has 12 bytes, not a multiple of 8',
  ],
];

/** Kernels have followed such paths. */
const RECORDS: readonly Case[] = [
  '-1',
  '0:-1',
  '',
  ':',
  '0:',
  '0::1',
  '0x1',
  '1e3',
  '9999999999',
  Array(65).fill('0').join(':'),
].map(
  (access): Case => [
    `CO-RE access "${access.slice(0, 12)}"`,
    parts => parts.ext.core.push({ section: 'tc', byteOffset: 8, type: TYPE.map, access, kind: 0 }),
    'btf-core-access',
    `x.o: section ".BTF.ext": core_relo: access "${access}" is not 1 to 64 numbers with colons between`,
  ],
);

describe.each([['sections', SECTIONS]] as const)('%s', (_, cases) => {
  test.each(cases)('%s', (_what, change, code, message) => expectRefusal(change, code, message));
});

test.each(RECORDS)('%s', (_what, change, code, message) => {
  const found = refusal(() => readObject({ name: 'x.o', bytes: build(spoilt(change)) }));
  const said = found?.message.replace(/ \(offset 0x[0-9a-f]+\)$/, '');
  expect({ code: found?.code, message: said }).toEqual({ code, message });
});

// --- map definitions ----------------------------------------------------------------------------------------------

type Member = readonly [name: string, type: number];

/** Makes `shared` a struct of these members; `more` are types from 19 on that they may use. */
function defineMap(members: readonly Member[], more: readonly BtfType[] = []): (parts: Sample) => void {
  return parts => {
    parts.types[TYPE.map - 1] = {
      kind: 'struct',
      name: '',
      size: members.length * 8,
      members: members.map(([name, type], index) => ({ name, type, bitOffset: 64 * index, bitSize: 0 })),
    };
    parts.types.push(...more);
    parts.data.set('.maps', new Uint8Array(members.length * 8));
    alter(parts, 'shared', { size: members.length * 8 });
  };
}

/** Of the sample: `__uint(x, 2)`, `__uint(x, 16)`, and int, which is not a valid member. */
const [TWO, SIXTEEN, INT] = [9, 11, 1];
const FIRST = 19;
const array = (element: number, length: number): BtfType => ({ kind: 'array', element, index: 1, length });
const pointer = (type: number): BtfType => ({ kind: 'ptr', type });

const MAPS: readonly Case[] = [
  ['no type', defineMap([['max_entries', SIXTEEN]]), 'map-no-type', 'x.o: map "shared": has no type'],
  [
    'a member that is not known',
    defineMap([
      ['type', TWO],
      ['max_entrys', SIXTEEN],
    ]),
    'map-unknown-member',
    'x.o: map "shared": member "max_entrys": is not a known member of a map definition',
  ],
  [
    'a number that is not written with __uint()',
    defineMap([['type', INT]]),
    'map-member-form',
    'x.o: map "shared": member "type": is not written with __uint()',
  ],
  [
    'a key that is not written with __type()',
    defineMap([
      ['type', TWO],
      ['key', INT],
    ]),
    'map-member-form',
    'x.o: map "shared": member "key": is not written with __type()',
  ],
  [
    'two sizes of keys',
    defineMap(
      [
        ['type', TWO],
        ['key_size', SIXTEEN],
        ['key', FIRST],
      ],
      [pointer(1)],
    ),
    'map-size-conflict',
    'x.o: map "shared": key size is given twice: 16 and 4 bytes',
  ],
  [
    'a key of a type that is only declared',
    defineMap(
      [
        ['type', TWO],
        ['key', FIRST + 1],
      ],
      [{ kind: 'fwd', name: 'later', union: false }, pointer(FIRST)],
    ),
    'btf-no-size',
    'x.o: map "shared": key: type 19 (fwd "later") has no size',
  ],
  [
    'values before other members',
    defineMap([
      ['values', TWO],
      ['type', TWO],
    ]),
    'map-values-not-last',
    'x.o: map "shared": member "values": must be the last member',
  ],
  [
    'values of a map that holds none',
    defineMap(
      [
        ['type', TWO],
        ['values', FIRST + 1],
      ],
      [pointer(TYPE.map), array(FIRST, 0)],
    ),
    'map-values-type',
    'x.o: map "shared": member "values": contains maps, but the map is not a map of maps',
  ],
  [
    'a map of maps that holds itself',
    defineMap(
      [
        ['type', FIRST + 3],
        ['values', FIRST + 1],
      ],
      [pointer(TYPE.map), array(FIRST, 0), array(1, 12), pointer(FIRST + 2)],
    ),
    'map-inner-depth',
    'x.o: map "shared": inner map: member "values": inside an inner map definition',
  ],
  [
    'a variable that is not a struct',
    parts => {
      parts.types[TYPE.shared - 1] = { kind: 'var', name: 'shared', type: INT, linkage: 'global' };
    },
    'map-not-struct',
    'x.o: map "shared": is defined by a int, not a struct',
  ],
];

function definitionIn(bytes: Uint8Array): MapDefinition {
  const object = readObject({ name: 'x.o', bytes });
  const map = object.symbols.find(one => one.kind === 'map');
  if (map?.kind !== 'map') throw new Error('no map');
  return parseMapDefinition(object, map);
}

describe('map definitions', () => {
  test.each(MAPS)('%s', (_what, change, code, message) => {
    const found = refusal(() => definitionIn(build(spoilt(change))));
    expect(found).toEqual({ code, message });
  });

  test('large numbers and sizes stay what they are', () => {
    const change = defineMap(
      [
        ['type', TWO],
        ['max_entries', FIRST + 1],
        ['map_flags', FIRST + 1],
        ['key', FIRST + 1],
        ['value', FIRST + 1],
      ],
      [array(1, 0x3fffffff), pointer(FIRST)],
    );
    expect(definitionIn(build(spoilt(change)))).toMatchObject({
      type: 2,
      maxEntries: 0x3fffffff,
      flags: 0x3fffffff,
      keySize: 0xfffffffc,
      valueSize: 0xfffffffc,
    });
  });
});

// --- what is repaired ---------------------------------------------------------------------------------------------

const DATASEC = 15;

/** What compilers and other linkers leave wrong in the list of variables; the list is made again. */
const LISTS: readonly (readonly [string, (parts: Sample) => void])[] = [
  [
    'a variable beyond the end',
    parts =>
      setList(parts, [
        [TYPE.counter, 0xfffffff0, 4],
        [TYPE.table, 4, 12],
      ]),
  ],
  [
    'variables that overlap',
    parts =>
      setList(parts, [
        [TYPE.counter, 0, 16],
        [TYPE.table, 2, 12],
      ]),
  ],
  [
    'variables in the wrong order',
    parts =>
      setList(parts, [
        [TYPE.table, 4, 12],
        [TYPE.counter, 0, 4],
      ]),
  ],
  [
    'a variable listed twice',
    parts =>
      setList(parts, [
        [TYPE.counter, 0, 4],
        [TYPE.counter, 0, 4],
        [TYPE.table, 4, 12],
      ]),
  ],
  [
    'a variable of another section',
    parts =>
      setList(parts, [
        [TYPE.counter, 0, 4],
        [TYPE.table, 4, 12],
        [TYPE.license, 0, 4],
      ]),
  ],
  ['a variable that is not listed', parts => setList(parts, [[TYPE.counter, 0, 4]])],
  [
    'a variable of size 0',
    parts =>
      setList(parts, [
        [TYPE.counter, 0, 0],
        [TYPE.table, 4, 0],
      ]),
  ],
];

function setList(
  parts: Sample,
  list: readonly (readonly [type: number, offset: number, size: number])[],
): void {
  const vars = list.map(([type, offset, size]) => ({ type, offset, size }));
  parts.types[DATASEC] = { kind: 'datasec', name: '.data', size: 1, vars };
}

test('map-not-variable: a map of an object made by hand that names the type of its definition', () => {
  const object = readObject({ name: 'x.o', bytes: build(spoilt(() => {})) });
  const map = object.symbols.find(({ name }) => name === 'shared');
  if (map?.kind !== 'map') throw new Error('no map');
  expect(parseMapDefinition(object, map)).toMatchObject({ maxEntries: 16 });
  expect(refusal(() => parseMapDefinition(object, { ...map, btfId: 1 }))).toEqual({
    code: 'map-not-variable',
    message: 'x.o: map "shared": is a BTF int, not a variable',
  });
});

describe('lists of variables', () => {
  test.each(LISTS)('%s', (_what, change) => {
    for (const order of ['little', 'big'] as const) {
      const written = checkWritten(
        writeObject(readObject({ name: 'x.o', bytes: build(spoilt(change), order) })),
      );
      expect(listOf(written, '.data')).toEqual(['counter 0 4', 'table 4 12']);
      expect(listOf(written, 'license')).toEqual(['_license 0 4']);
    }
  });
});

function listOf(object: BpfObject, section: string): string[] {
  const btf = object.btf;
  if (btf === null) return [];
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if (type.kind === 'datasec' && type.name === section)
      return type.vars.map(one => `${btf.nameOf(one.type)} ${one.offset} ${one.size}`);
  }
  return [];
}

test('an open name that bpftool left as an empty definition is open again', () => {
  const parts = spoilt(({ symbols, types }) => {
    symbols.push(
      symbol('elsewhere', '.maps', 0, 0, { type: 0 }),
      symbol('later', '.data', 0, 0, { type: 0 }),
    );
    types.push(
      { kind: 'var', name: 'elsewhere', type: TYPE.map, linkage: 'extern' },
      { kind: 'var', name: 'later', type: TYPE.int, linkage: 'extern' },
    );
  });
  const object = readObject({ name: 'x.o', bytes: build(parts) });
  const open = object.symbols.flatMap(one => (one.kind === 'extern' ? [`${one.name} ${one.section}`] : []));
  expect(open.sort()).toEqual(['elsewhere .maps', 'later .data']);
  const bytes = writeObject(object);
  expect(Buffer.from(writeObject(readObject({ name: 'x.o', bytes }))).equals(bytes)).toBe(true);
});
