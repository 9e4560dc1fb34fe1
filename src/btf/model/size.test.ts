/** Sizes, and what has none. */

import { expect, test } from 'vitest';
import { sizeOfType, skipModifiers } from './size.ts';
import { errorOf, INT, member, pointer, struct, typesOf } from './testing.ts';

const btf = typesOf(
  INT, // 1
  struct('s', 12, member('m', 1, 0)), // 2
  { kind: 'array', element: 2, index: 1, length: 3 }, // 3
  { kind: 'typedef', name: 't', type: 3 }, // 4
  { kind: 'array', element: 4, index: 1, length: 2 }, // 5
  { kind: 'var', name: 'v', type: 5, linkage: 'global' }, // 6
  pointer(0), // 7
  { kind: 'const', type: 0 }, // 8
  { kind: 'fwd', name: 'f', union: false }, // 9
  { kind: 'func_proto', returns: 0, params: [] }, // 10
);

test.for([
  [1, 4],
  [2, 12],
  [3, 36],
  [4, 36],
  [5, 72],
  [6, 72],
  [7, 8],
] as const)('type %i takes %i bytes', ([id, size]) => {
  expect(sizeOfType(btf, id)).toBe(size);
});

test.for([0, 8, 9, 10])('type %i has no size', id => {
  expect(errorOf(() => sizeOfType(btf, id)).code).toBe('btf-no-size');
});

test('modifiers are skipped', () => {
  expect([skipModifiers(btf, 4), skipModifiers(btf, 8), skipModifiers(btf, 1)]).toEqual([3, 0, 1]);
});
