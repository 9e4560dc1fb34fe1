/** Types from values: on top of others, replaced, and what does not fit. */

import { describe, expect, test } from 'vitest';
import { encodeBtf } from '../binary/encode.ts';
import { BtfBuilder, editBtf } from './builder.ts';
import { forEachReference } from './raw.ts';
import { errorOf, INT, LONG, member, pointer, struct, typesOf, UNSIGNED } from './testing.ts';
import { toRaw } from './to-raw.ts';
import type { Btf, BtfType } from './types.ts';

describe('BtfBuilder', () => {
  test('refers to types that come later', () => {
    const builder = new BtfBuilder();
    expect(builder.add(struct('list', 8, member('next', 2, 0)))).toBe(1);
    expect(builder.add(pointer(1))).toBe(2);
    expect(builder.count).toBe(2);
    expect(builder.build().type(1)).toEqual(struct('list', 8, member('next', 2, 0)));
  });

  test('continues from other types and leaves those alone', () => {
    const base = typesOf(INT, struct('s', 4, member('m', 1, 0)));
    const builder = new BtfBuilder(base);
    expect(builder.add(pointer(2))).toBe(3);
    const built = builder.build();
    expect([built.type(1), built.type(2), built.type(3)]).toEqual([base.type(1), base.type(2), pointer(2)]);
    expect(base.count).toBe(2);
  });

  test('takes types that are not made of words', () => {
    const types: readonly BtfType[] = [INT, struct('s', 4, member('m', 1, 0))];
    const plain: Btf = {
      count: 2,
      type: id => types[id - 1] ?? INT,
      kindOf: id => [0, 1, 4][id] ?? 0,
      nameOf: id => ['', 'int', 's'][id] ?? '',
    };
    expect(encodeBtf(plain, 'little')).toEqual(encodeBtf(typesOf(...types), 'little'));
    expect(toRaw(plain).nameOf(2)).toBe('s');
  });

  test('refuses what breaks the rules of files', () => {
    expect(errorOf(() => typesOf(pointer(2))).code).toBe('btf-type-id');
    expect(errorOf(() => typesOf({ kind: 'const', type: 1 })).code).toBe('btf-cycle');
  });

  const TOO_LARGE: readonly { readonly name: string; readonly type: BtfType }[] = [
    {
      name: 'bit field beyond 2^24 bits',
      type: {
        kind: 'struct',
        name: 's',
        size: 0x400000,
        members: [{ name: 'm', type: 1, bitOffset: 0x1000000, bitSize: 3 }],
      },
    },
    { name: 'negative length', type: { kind: 'array', element: 1, index: 1, length: -1 } },
    { name: 'fraction', type: { kind: 'array', element: 1, index: 1, length: 1.5 } },
    { name: 'size over 4 GiB', type: struct('s', 2 ** 32) },
    { name: 'int of 300 bits', type: { ...INT, bits: 300 } },
    {
      name: '65536 parameters',
      type: { kind: 'func_proto', returns: 0, params: Array(65536).fill({ name: 'p', type: 1 }) },
    },
  ];

  test.for(TOO_LARGE)('refuses $name', ({ type }) => {
    expect(errorOf(() => new BtfBuilder(typesOf(INT)).add(type)).code).toBe('btf-value-range');
  });

  test('has no type 0 and none above its count', () => {
    const btf = typesOf(INT);
    for (const id of [0, 2, -1, 1.5, Number.NaN])
      expect(errorOf(() => btf.type(id)).code).toBe('btf-type-id');
  });
});

describe('editBtf', () => {
  test('replaces types under their ids', () => {
    const btf = typesOf(INT, struct('s', 4, member('m', 1, 0)), pointer(2));
    const edited = editBtf(btf, new Map([[2, struct('other', 8, member('m', 1, 0), member('n', 1, 4))]]));
    expect(edited.type(2)).toEqual(struct('other', 8, member('m', 1, 0), member('n', 1, 4)));
    expect([edited.type(1), edited.type(3), edited.count]).toEqual([INT, pointer(2), 3]);
    expect(btf.nameOf(2)).toBe('s');
  });

  test('checks the result', () => {
    const btf = typesOf(INT, struct('s', 4, member('m', 1, 0)));
    expect(errorOf(() => editBtf(btf, new Map([[1, LONG]]))).code).toBe('btf-member-offset');
  });
});

test('encoding drops strings that nothing uses, and depends on nothing but the types', () => {
  const btf = editBtf(typesOf(INT, UNSIGNED), new Map([[1, LONG]]));
  expect(encodeBtf(btf, 'little')).toEqual(encodeBtf(typesOf(LONG, UNSIGNED), 'little'));
});

test('forEachReference tells all ids that a type holds, in order', () => {
  const btf = typesOf(
    INT,
    { kind: 'array', element: 1, index: 1, length: 3 },
    struct('s', 24, member('a', 2, 0), member('b', 1, 12), member('c', 4, 16)),
    pointer(0),
    {
      kind: 'func_proto',
      returns: 4,
      params: [
        { name: 'a', type: 1 },
        { name: '', type: 0 },
      ],
    },
    { kind: 'func', name: 'f', type: 5, linkage: 'global' },
    { kind: 'var', name: 'v', type: 2, linkage: 'global' },
    { kind: 'datasec', name: '.data', size: 12, vars: [{ type: 7, offset: 0, size: 12 }] },
    { kind: 'decl_tag', name: 't', type: 6, component: 0, attribute: false },
  );
  const references = Array.from({ length: 10 }, (_, id) => {
    const targets: number[] = [];
    forEachReference(btf, id, target => {
      targets.push(target);
    });
    return targets;
  });
  expect(references).toEqual([[], [], [1, 1], [2, 1, 4], [0], [4, 1, 0], [5], [2], [7], [6]]);
});
