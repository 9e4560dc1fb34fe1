/** Each rule of the kernel with the type that breaks it, one that just does not, and what the kernel reports. */

import { expect, test } from 'vitest';
import { encodeBtf } from '../../btf/binary/encode.ts';
import { INT } from '../../btf/model/int.ts';
import { TypeWriter } from '../../btf/model/type-writer.ts';
import type { BtfType } from '../../btf/model/types.ts';
import { validateTypes } from '../../btf/model/validate.ts';
import { tryLoadBtf } from '../../kernel/objects/btf-object.ts';
import { kernelForTests } from '../../kernel/testing.ts';
import { HOST_ORDER } from '../../kernel/uapi/uapi.ts';
import { mendTypes } from './mend.ts';

const { sys } = kernelForTests();

function written(
  types: readonly BtfType[],
  edit: (words: Uint32Array, start: Uint32Array) => void = () => {},
) {
  const writer = new TypeWriter();
  for (const type of types) writer.add(type);
  const btf = writer.finish();
  edit(btf.words, btf.start);
  validateTypes(btf);
  return btf;
}

const LONG: BtfType = { ...INT, name: 'long', size: 8, bits: 64 };
const member = (type: number, bitOffset: number, bitSize = 0, name = 'm') => ({
  name,
  type,
  bitOffset,
  bitSize,
});
const struct = (size: number, ...members: ReturnType<typeof member>[]): BtfType => ({
  kind: 'struct',
  name: 's',
  size,
  members,
});
const enumeration = (size: number, ...names: string[]): BtfType => ({
  kind: 'enum',
  name: 'e',
  size,
  signed: false,
  values: names.map(name => ({ name, value: 0n })),
});
const proto = (returns: number, ...params: (readonly [string, number])[]): BtfType => ({
  kind: 'func_proto',
  returns,
  params: params.map(([name, type]) => ({ name, type })),
});
const func = (type: number, name = 'f'): BtfType => ({ kind: 'func', name, type, linkage: 'global' });
const variable = (type: number, name = 'v'): BtfType => ({ kind: 'var', name, type, linkage: 'global' });
const section = (size: number, ...vars: (readonly [number, number, number])[]): BtfType => ({
  kind: 'datasec',
  name: '.bss',
  size,
  vars: vars.map(([type, offset, bytes]) => ({ type, offset, size: bytes })),
});
const FWD: BtfType = { kind: 'fwd', name: 'fwd', union: false };
const DOUBLE: BtfType = { kind: 'float', name: 'double', size: 8 };
const TAG: BtfType = { kind: 'type_tag', name: 'tag', type: 1, attribute: false };
const TYPEDEF: BtfType = { kind: 'typedef', name: 'two', type: 2 };

/** All types, the id that is repaired, and what it is then; type 1 is `int`. */
const REFUSED: readonly (readonly [what: string, types: readonly BtfType[], id: number, expected: object])[] =
  [
    ['signed and char', [{ ...INT, size: 1, bits: 8, char: true }], 2, { signed: true, char: false }],
    ['enum without a size', [enumeration(0)], 2, { size: 4 }],
    [
      'array of enums without a size',
      [enumeration(0), { kind: 'array', element: 2, index: 1, length: 3 }],
      3,
      {},
    ],
    [
      'enumerator without a name',
      [enumeration(4, 'a', '')],
      2,
      { values: [{ name: 'a' }, { name: 'value2' }] },
    ],
    ['index void', [{ kind: 'array', element: 1, index: 0, length: 2 }], 2, { element: 1, length: 2 }],
    [
      'index of one bit',
      [
        { ...INT, bits: 1 },
        { kind: 'array', element: 1, index: 2, length: 2 },
      ],
      3,
      { element: 1 },
    ],
    [
      'elements of one bit',
      [
        { ...INT, bits: 1 },
        { kind: 'array', element: 2, index: 1, length: 2 },
      ],
      3,
      { index: 1 },
    ],
    [
      'array of more than 4 GiB that a pointer refers to',
      [
        { kind: 'array', element: 1, index: 1, length: 2 ** 30 },
        { kind: 'ptr', type: 2 },
      ],
      2,
      { element: 1, length: 0 },
    ],
    [
      'members in another order',
      [struct(8, member(1, 32, 0, 'b'), member(1, 0, 0, 'a'))],
      2,
      { members: [member(1, 0, 0, 'a'), member(1, 32, 0, 'b')] },
    ],
    [
      'union member at an offset',
      [{ kind: 'union', name: 'u', size: 8, members: [member(1, 32)] }],
      2,
      { kind: 'struct', size: 8, members: [member(1, 32)] },
    ],
    [
      'pointer at a bit',
      [{ kind: 'ptr', type: 1 }, struct(16, member(2, 4))],
      3,
      { members: [{ bitOffset: 0 }] },
    ],
    [
      'enum at a bit',
      [enumeration(4), struct(8, member(2, 12))],
      3,
      { members: [{ bitOffset: 8, bitSize: 0 }] },
    ],
    [
      'int at a bit beside a bit field',
      [struct(16, member(1, 4), member(1, 64, 3))],
      2,
      { members: [{ bitOffset: 0 }, { bitSize: 3 }] },
    ],
    ['small enum beside a bit field', [enumeration(1), struct(5, member(1, 0, 3), member(2, 32))], 3, {}],
    [
      'bit field of a wide enum',
      [{ kind: 'enum64', name: 'w', size: 8, signed: true, values: [] }, struct(8, member(2, 0, 40))],
      3,
      { members: [{ bitOffset: 0, bitSize: 40 }] },
    ],
    [
      'bit field of an odd int',
      [{ ...INT, bits: 3 }, struct(8, member(2, 5, 2))],
      3,
      { members: [{ bitOffset: 5, bitSize: 2 }] },
    ],
    [
      'bit field of more than 16 bytes',
      [{ ...INT, size: 16, bits: 128 }, struct(32, member(2, 3, 126))],
      3,
      {},
    ],
    ['__int128 at a bit', [{ ...INT, size: 16, bits: 128 }, struct(32, member(2, 4))], 3, {}],
    [
      'packed double',
      [DOUBLE, struct(12, member(1, 0), member(2, 32))],
      3,
      { members: [{ type: 1 }, { bitOffset: 32 }] },
    ],
    ['result const void', [{ kind: 'const', type: 0 }, proto(2)], 3, { returns: 0 }],
    ['result of a forward declaration', [FWD, proto(2)], 3, { returns: 0 }],
    ['parameter of a forward declaration', [FWD, proto(0, ['a', 2])], 3, { params: [{ name: 'a' }] }],
    ['parameter of void with a name', [proto(0, ['a', 0])], 2, { params: [{ name: 'a' }] }],
    ['parameter of void before others', [proto(0, ['', 0], ['b', 1])], 2, { params: [{}, { type: 1 }] }],
    [
      'member of void at any place',
      [struct(8, member(0, 256), member(1, 0))],
      2,
      { members: [{ type: 1 }, { bitOffset: 64 }] },
    ],
    ['member of void', [struct(8, member(0, 0))], 2, { members: [{ bitOffset: 0 }] }],
    [
      'global function with an opaque parameter',
      [proto(0, ['a', 0]), func(2)],
      3,
      { linkage: 'static', name: 'f' },
    ],
    [
      'parameter without a name',
      [proto(0, ['', 1], ['b', 1]), func(2)],
      2,
      { params: [{ name: 'arg1' }, { name: 'b' }] },
    ],
    ['function without a name', [proto(0), func(2, '')], 3, { name: 'anonymous' }],
    ['variable of void', [variable(0)], 2, { name: 'v' }],
    ['variable of a forward declaration', [FWD, variable(2)], 3, { name: 'v' }],
    ['entry without bytes', [struct(0), variable(2), section(4, [3, 0, 0])], 4, { size: 4, vars: [] }],
    ['section without bytes', [section(0)], 2, { size: 1 }],
    [
      'two names of one place',
      [variable(1), variable(1, 'w'), section(8, [2, 0, 4], [3, 0, 4])],
      4,
      { vars: [{ type: 2 }] },
    ],
    [
      'entries in another order',
      [variable(1), variable(1, 'w'), section(8, [2, 4, 4], [3, 0, 4])],
      4,
      { vars: [{ type: 3 }, { type: 2 }] },
    ],
    ['entry smaller than its type', [variable(1), section(8, [2, 0, 2])], 3, { vars: [] }],
    ['const of a tag', [TAG, { kind: 'const', type: 2 }], 3, { type: 1 }],
    ['pointer to a typedef of a tag', [TAG, TYPEDEF, { kind: 'ptr', type: 3 }], 3, { type: 1 }],
    ['struct name', [{ kind: 'struct', name: 'Vec<T>', size: 0, members: [] }], 2, { name: 'Vec_3C_T_3E_' }],
    ['member name', [struct(4, member(1, 0, 0, '0'))], 2, { members: [{ name: '_30_' }] }],
    ['parameter name', [proto(0, ['a b', 1])], 2, { params: [{ name: 'a_20_b' }] }],
    ['variable name', [variable(1, 'T::V')], 2, { name: 'T_3A__3A_V' }],
    ['name of 513 characters', [variable(1, 'v'.repeat(513))], 2, {}],
  ];

test.each(REFUSED)('%s', (_, added, id, expected) => {
  const types = written([INT, ...added]);
  const mended = mendTypes(types);
  expect(mended?.btf.type(id)).toMatchObject(expected);
  expect(mended?.notes).not.toHaveLength(0);
  if (sys === undefined || mended === null) return;
  expect(tryLoadBtf(sys, encodeBtf(types, HOST_ORDER))).toBeLessThan(0);
  const taken = tryLoadBtf(sys, encodeBtf(mended.btf, HOST_ORDER));
  expect(taken).toBeGreaterThanOrEqual(0);
  sys.syscall('close', taken);
});

const TAKEN: readonly (readonly [what: string, types: readonly BtfType[]])[] = [
  ['int of 3 bytes', [{ ...INT, name: 'i24', size: 3, bits: 24 }]],
  ['floating point type without a name', [{ ...DOUBLE, name: '' }]],
  ['pointer to a function', [proto(0), func(2), { kind: 'ptr', type: 3 }, { kind: 'const', type: 3 }]],
  ['prototype with a parameter without a name', [proto(0, ['', 1])]],
  ['variable arguments', [proto(0, ['a', 1], ['', 0]), func(2)]],
  ['members in one place', [struct(4, member(1, 0, 0, 'a'), member(1, 0, 0, 'b'))]],
  ['int at a bit without bit fields', [struct(8, member(1, 4))]],
  ['small enum without bit fields', [enumeration(1), struct(5, member(1, 0), member(2, 32))]],
  ['tags that follow each other', [TAG, { ...TAG, type: 2 }, { kind: 'ptr', type: 3 }]],
  [
    'names that the kernel does not look at',
    [
      { ...INT, name: 'i<' },
      { ...DOUBLE, name: 'f<' },
      { ...TAG, name: 't <' },
    ],
  ],
  ['dots', [{ kind: 'struct', name: '.x', size: 0, members: [] }, proto(0), func(3, 'f.llvm.1')]],
  ['name of 512 characters', [variable(1, 'v'.repeat(512))]],
  [
    'section with any characters',
    [variable(1), { kind: 'datasec', name: '.data/<é>', size: 8, vars: [{ type: 2, offset: 0, size: 4 }] }],
  ],
];

test.each(TAKEN)('%s stays what it is', (_, added) => {
  const types = written([INT, ...added]);
  expect(mendTypes(types)).toBeNull();
  if (sys === undefined) return;
  const taken = tryLoadBtf(sys, encodeBtf(types, HOST_ORDER));
  expect(taken).toBeGreaterThanOrEqual(0);
  sys.syscall('close', taken);
});

test('words that a kind does not use', () => {
  const types = written([INT, { kind: 'array', element: 1, index: 1, length: 2 }, FWD], (words, start) => {
    for (const id of [2, 3]) words[(start[id] ?? 0) + 2] = 1;
  });
  const mended = mendTypes(types);
  expect(mended?.notes).toEqual(['words that the kind does not use are zero (type 2 and 1 more)']);
  expect(mendTypes(mended?.btf ?? types)).toBeNull();
});

test('tags follow members, and the names of what they name', () => {
  const tag = (name: string, type: number, component: number): BtfType => ({
    kind: 'decl_tag',
    name,
    type,
    component,
    attribute: false,
  });
  const types = written([
    INT,
    LONG,
    { ...struct(16, member(2, 64, 0, 'n<'), member(1, 0, 0, 'first')), name: 'T<' } as BtfType, // a struct still
    tag('contains:T<:n<', 3, 0),
    tag('exception_callback:f<', 3, 1),
  ]);
  const mended = mendTypes(types)?.btf;
  expect(mended?.type(3)).toMatchObject({ name: 'T_3C_', members: [{ name: 'first' }, { name: 'n_3C_' }] });
  expect(mended?.type(4)).toMatchObject({ name: 'contains:T_3C_:n_3C_', component: 1 });
  expect(mended?.type(5)).toMatchObject({ name: 'exception_callback:f_3C_', component: 0 });
});

test('the tag of a pointer comes before the typedef', () => {
  const mended = mendTypes(written([INT, TAG, TYPEDEF, { kind: 'ptr', type: 3 }]))?.btf;
  expect(mended?.type(4)).toEqual({ kind: 'ptr', type: 5 });
  expect(mended?.type(5)).toEqual({ ...TAG, type: 3 });
  expect(mended?.type(3)).toEqual({ ...TYPEDEF, type: 1 });
});
