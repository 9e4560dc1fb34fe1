import { describe, expect, test } from 'vitest';
import { BtfBuilder } from '../model/builder.ts';
import type { BtfType } from '../model/types.ts';
import { decodeData } from './data.ts';
import type { ValueTypes } from './walk.ts';
import { encodeValue } from './write.ts';

const int = (name: string, size: number, signed: boolean, extra = {}): BtfType => ({
  kind: 'int',
  name,
  size,
  bits: size * 8,
  bitOffset: 0,
  signed,
  char: false,
  bool: false,
  ...extra,
});

const TYPES: readonly BtfType[] = [
  int('int', 4, true), // 1
  int('unsigned char', 1, false), // 2
  int('long', 8, true), // 3
  int('_Bool', 1, false, { bool: true }), // 4
  int('char', 1, true, { char: true }), // 5
  { kind: 'array', element: 5, index: 1, length: 6 }, // 6 char[6]
  { kind: 'array', element: 1, index: 1, length: 3 }, // 7 int[3]
  {
    kind: 'enum',
    name: 'color',
    size: 4,
    signed: true,
    values: [
      { name: 'RED', value: 0n },
      { name: 'BLUE', value: -1n },
    ],
  }, // 8
  { kind: 'ptr', type: 0 }, // 9
  { kind: 'float', name: 'double', size: 8 }, // 10
  { kind: 'struct', name: '', size: 4, members: [{ name: 'deep', type: 1, bitOffset: 0, bitSize: 0 }] }, // 11
  {
    kind: 'struct',
    name: 'mixed',
    size: 16,
    members: [
      { name: 'a', type: 2, bitOffset: 0, bitSize: 0 },
      { name: 'three', type: 1, bitOffset: 13, bitSize: 3 },
      { name: 'eleven', type: 1, bitOffset: 16, bitSize: 11 },
      { name: 'list', type: 6, bitOffset: 32, bitSize: 0 },
      { name: '', type: 11, bitOffset: 96, bitSize: 0 },
    ],
  }, // 12
  { kind: 'typedef', name: 'mixed_t', type: 12 }, // 13
  { kind: 'var', name: 'v', type: 13, linkage: 'global' }, // 14
  int('unsigned __int128', 16, false), // 15
  { kind: 'enum64', name: 'wide', size: 8, signed: false, values: [{ name: 'MANY', value: 1n << 40n }] }, // 16
];

function typesOf(order: 'little' | 'big'): ValueTypes {
  const builder = new BtfBuilder();
  for (const type of TYPES) builder.add(type);
  return { btf: builder.build(), order };
}

describe.each(['little', 'big'] as const)('%s-endian', order => {
  const types = typesOf(order);

  test.each([
    ['int', 1, -5, -5, 4],
    ['unsigned char', 2, 255, 255, 1],
    ['long', 3, -6n, -6n, 8],
    ['long from a number', 3, 7, 7n, 8],
    ['bool', 4, true, true, 1],
    ['text', 6, 'hello', 'hello', 6],
    ['array', 7, [1, -2, 3], [1, -2, 3], 12],
    ['typed array', 7, new Int32Array([1, -2, 3]), [1, -2, 3], 12],
    ['enum by number', 8, -1, -1, 4],
    ['enum by name', 8, 'BLUE', -1, 4],
    ['pointer', 9, 0xffff888000000000n, 0xffff888000000000n, 8],
    ['double', 10, 1.25, 1.25, 8],
    ['128 bits', 15, 1n << 100n, 1n << 100n, 16],
    ['enum of 64 bits', 16, 'MANY', 1n << 40n, 8],
    [
      'struct behind a variable and a typedef',
      14,
      { a: 1, three: -4, eleven: 1023, list: 'abc', deep: 9 },
      { a: 1, three: -4, eleven: 1023, list: 'abc', deep: 9 },
      16,
    ],
  ])('%s there and back', (_, id, value, expected, size) => {
    const bytes = new Uint8Array(size + 3).fill(0xee);
    encodeValue(types, id, value, bytes, 2);
    expect([bytes[0], bytes[1], bytes[size + 2]]).toEqual([0xee, 0xee, 0xee]);
    const back = decodeData(types, id, bytes, 2);
    expect(typeof back === 'object' ? structuredClone(back) : back).toEqual(expected);
  });

  test('bit fields leave their neighbours alone', () => {
    const bytes = new Uint8Array(16).fill(0xff);
    encodeValue(types, 12, { three: 0 }, bytes);
    expect(decodeData(types, 12, bytes)).toMatchObject({ a: 255, three: 0, eleven: -1, deep: -1 });
    expect(bytes[1]).toBe(order === 'little' ? 0b00011111 : 0b11111000);
  });

  test('elements and members that are not given keep their values', () => {
    const bytes = new Uint8Array(12);
    encodeValue(types, 7, [1, 2, 3], bytes);
    encodeValue(types, 7, [9], bytes);
    expect(decodeData(types, 7, bytes)).toEqual([9, 2, 3]);
  });
});

test.each([
  ['too large', 1, 2 ** 31, '2147483648 does not fit int (-2147483648 to 2147483647)'],
  ['negative without a sign', 2, -1, '-1 does not fit unsigned char (0 to 255)'],
  ['2 for a bool', 4, 2, '2 does not fit _Bool (0 to 1)'],
  ['a fraction', 1, 1.5, 'a whole number is needed, not 1.5'],
  ['a text for a number', 1, '5', 'a whole number is needed, not "5"'],
  ['an unknown enumerator', 8, 'GREEN', '"GREEN" is not one of RED, BLUE'],
  ['a text without room for its NUL', 6, 'secret', '"secret" has 6 bytes; 5 and a NUL fit'],
  ['too many elements', 7, [1, 2, 3, 4], '4 elements are given; 3 fit'],
  ['a bad element', 7, [1, 'x'], 'element 1: a whole number is needed, not "x"'],
  ['an unknown member', 12, { b: 1 }, 'there is no member "b"; there is a, three, eleven, list, deep'],
  ['an inherited name', 12, { constructor: 1 }, 'there is no member "constructor"'],
  ['a bit field too large', 12, { three: 4 }, 'member "three": 4 does not fit int:3 (-4 to 3)'],
  ['a number for a struct', 12, 5, 'an object with members is needed, not 5'],
  ['nothing', 1, undefined, 'a whole number is needed, not undefined'],
])('%s is refused', (_, id, value, message) => {
  expect(() => encodeValue(typesOf('little'), id, value, new Uint8Array(16))).toThrow(message);
});

test('values outside the bytes are refused', () => {
  expect(() => decodeData(typesOf('little'), 3, new Uint8Array(8), 1)).toThrow(
    expect.objectContaining({ code: 'bytes-truncated' }),
  );
});
