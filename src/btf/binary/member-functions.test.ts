/** Member functions of C++ classes among the members of structs. */

import { expect, test } from 'vitest';
import { INT, member, sectionOf, struct } from '../model/testing.ts';
import type { BtfType } from '../model/types.ts';
import { parseBtf } from './parse.ts';

const STRINGS = ['int', 's', 'x', 'get'];
const [INT_NAME, S, X, GET] = [1, 5, 7, 9];
const INT_WORDS = [INT_NAME, 0x01000000, 4, 0x01000020];
/** An `int x`, and a member function as Clang lists it. */
const FIELD = [X, 1, 0];
const METHOD = [GET, 0, 256];
const STRUCT = 0x04000000;
const UNION = 0x05000000;
const BIT_FIELDS = 0x80000000;

const field = member('x', 1, 0);
const CASES: readonly (readonly [string, readonly number[], BtfType])[] = [
  ['after data', [S, STRUCT | 3, 4, ...FIELD, ...METHOD, ...METHOD], struct('s', 4, field)],
  ['before data', [S, STRUCT | 2, 4, ...METHOD, ...FIELD], struct('s', 4, field)],
  ['without data', [S, STRUCT | 1, 1, ...METHOD], struct('s', 1)],
  [
    'of a union',
    [S, UNION | 2, 4, ...FIELD, ...METHOD],
    { kind: 'union', name: 's', size: 4, members: [field] },
  ],
  [
    'beside a bit field',
    [S, (STRUCT | BIT_FIELDS | 2) >>> 0, 4, X, 1, (2 << 24) | 3, ...METHOD],
    struct('s', 4, { ...field, bitOffset: 3, bitSize: 2 }),
  ],
];

for (const order of ['little', 'big'] as const)
  test.each(CASES)(`member functions %s are left out, ${order}-endian`, (_, words, expected) => {
    const pointer = [0, 0x02000000, 2];
    const other = [S, STRUCT | 1, 4, ...FIELD];
    const section = sectionOf(order, {
      words: [...INT_WORDS, ...words, ...pointer, ...other],
      strings: STRINGS,
    });
    const btf = parseBtf(section, order);
    expect(btf.count).toBe(4);
    expect([1, 2, 3, 4].map(id => btf.type(id))).toEqual([
      { ...INT, name: 'int' },
      expected,
      { kind: 'ptr', type: 2 },
      struct('s', 4, field),
    ]);
  });
