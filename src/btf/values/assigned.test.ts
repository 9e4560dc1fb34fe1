import { expect, test } from 'vitest';
import { BtfBuilder } from '../model/builder.ts';
import { applyAssigned, assignedBits } from './assigned.ts';
import type { ValueTypes } from './walk.ts';

const BUILDER = new BtfBuilder();
const U8 = BUILDER.add({
  kind: 'int',
  name: 'u8',
  size: 1,
  bits: 8,
  bitOffset: 0,
  signed: false,
  char: false,
  bool: false,
});
const LIST = BUILDER.add({ kind: 'array', element: U8, index: U8, length: 3 });
const STRUCT = BUILDER.add({
  kind: 'struct',
  name: 's',
  size: 5,
  members: [
    { name: 'low', type: U8, bitOffset: 0, bitSize: 3 },
    { name: 'list', type: LIST, bitOffset: 8, bitSize: 0 },
    { name: 'last', type: U8, bitOffset: 32, bitSize: 0 },
  ],
});
const TYPES: ValueTypes = { btf: BUILDER.build(), order: 'little' };

const sparse: unknown[] = [];
sparse[1] = 9;

test.each<readonly [unknown, readonly number[], readonly number[]]>([
  [{}, [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
  [{ low: 5 }, [5, 0, 0, 0, 0], [7, 0, 0, 0, 0]],
  [{ list: sparse }, [0, 0, 9, 0, 0], [0, 0, 0xff, 0, 0]],
  [{ list: [0, 1, 2], last: 0 }, [0, 0, 1, 2, 0], [0, 0xff, 0xff, 0xff, 0xff]],
])('%j gives these bits', (value, bytes, mask) => {
  const assigned = assignedBits(TYPES, STRUCT, value, 5);
  expect([[...assigned.bytes], [...assigned.mask]]).toEqual([bytes, mask]);
});

test('what is not given stays', () => {
  const target = new Uint8Array(5).fill(0xaa);
  applyAssigned(assignedBits(TYPES, STRUCT, { low: 1, last: 0 }, 5), target);
  expect([...target]).toEqual([0xa9, 0xaa, 0xaa, 0xaa, 0]);
});
