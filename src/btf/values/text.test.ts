import { describe, expect, test } from 'vitest';
import { BtfBuilder } from '../model/builder.ts';
import type { BtfType } from '../model/types.ts';
import { valueJson, valueText } from './text.ts';
import { decodeValue } from './tree.ts';

/** Types by the ids that the tests use. */
const TYPES: readonly BtfType[] = [
  {
    kind: 'int',
    name: 'unsigned int',
    size: 4,
    bits: 32,
    bitOffset: 0,
    signed: false,
    char: false,
    bool: false,
  }, // 1
  { kind: 'int', name: 'char', size: 1, bits: 8, bitOffset: 0, signed: true, char: false, bool: false }, // 2
  { kind: 'int', name: '_Bool', size: 1, bits: 8, bitOffset: 0, signed: false, char: false, bool: true }, // 3
  { kind: 'int', name: 'long long', size: 8, bits: 64, bitOffset: 0, signed: true, char: false, bool: false }, // 4
  {
    kind: 'enum',
    name: 'state',
    size: 4,
    signed: true,
    values: [
      { name: 'OPEN', value: 1n },
      { name: 'LOST', value: -1n },
    ],
  }, // 5
  { kind: 'array', element: 2, index: 1, length: 8 }, // 6
  { kind: 'array', element: 1, index: 1, length: 6 }, // 7
  {
    kind: 'struct',
    name: 'rule',
    size: 24,
    members: [
      { name: 'hits', type: 4, bitOffset: 0, bitSize: 0 },
      { name: 'state', type: 5, bitOffset: 64, bitSize: 0 },
      { name: 'on', type: 3, bitOffset: 96, bitSize: 0 },
      { name: 'low', type: 1, bitOffset: 104, bitSize: 3 },
      { name: 'high', type: 1, bitOffset: 107, bitSize: 5 },
      { name: '', type: 9, bitOffset: 128, bitSize: 0 },
    ],
  }, // 8
  {
    kind: 'union',
    name: '',
    size: 8,
    members: [
      { name: 'name', type: 6, bitOffset: 0, bitSize: 0 },
      { name: 'number', type: 1, bitOffset: 0, bitSize: 0 },
    ],
  }, // 9
  { kind: 'ptr', type: 8 }, // 10
  { kind: 'typedef', name: 'rule_t', type: 8 }, // 11
  { kind: 'float', name: 'double', size: 8 }, // 12
  { kind: 'struct', name: 'empty', size: 0, members: [] }, // 13
  { kind: 'array', element: 13, index: 1, length: 0xffffffff }, // 14
  { kind: 'array', element: 2, index: 1, length: 0 }, // 15
  { kind: 'var', name: 'rules', type: 11, linkage: 'global' }, // 16
  { kind: 'array', element: 7, index: 1, length: 2 }, // 17
];

const BTF = (() => {
  const builder = new BtfBuilder();
  for (const type of TYPES) builder.add(type);
  return builder.build();
})();

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], pair => Number.parseInt(pair, 16));
}

const RULE_LITTLE = bytes('05000000 00000000 ffffffff 01 6d 0000 6162006364000000');
const RULE_BIG = bytes('00000000 00000005 ffffffff 01 ad 0000 6162006364000000');

describe('values through their types', () => {
  test.each<readonly [string, number, Uint8Array, string, unknown]>([
    ['an int', 1, bytes('ffffffff'), '4294967295', 4294967295],
    ['a negative int', 4, bytes('feffffffffffffff'), '-2', -2],
    [
      'an int too large for a double',
      4,
      bytes('ffffffffffffff7f'),
      '9223372036854775807',
      '9223372036854775807',
    ],
    ['a bool', 3, bytes('01'), 'true', true],
    ['a bool that is none', 3, bytes('07'), '7', 7],
    ['an enumerator', 5, bytes('01000000'), 'OPEN', 'OPEN'],
    ['a negative enumerator', 5, bytes('ffffffff'), 'LOST', 'LOST'],
    ['no enumerator', 5, bytes('09000000'), '9', 9],
    ['text', 6, bytes('6162 22 00 6300 0000'), '"ab\\""', 'ab"'],
    ['text that fills its array', 6, bytes('6161616161616161'), '"aaaaaaaa"', 'aaaaaaaa'],
    [
      'an array',
      7,
      bytes('010000000200000003000000040000000500000006000000'),
      '{1, 2, 3, 4, 5, 6}',
      [1, 2, 3, 4, 5, 6],
    ],
    ['many equal elements', 7, bytes('00'.repeat(24)), '{[0 ... 5] = 0}', [0, 0, 0, 0, 0, 0]],
    [
      'an array of arrays',
      17,
      bytes(`${'07000000'.repeat(6)}${'00'.repeat(24)}`),
      '{{[0 ... 5] = 7}, {[0 ... 5] = 0}}',
      [new Array(6).fill(7), new Array(6).fill(0)],
    ],
    ['a pointer', 10, bytes('0001000000000000'), '0x100', 256],
    ['a null pointer', 10, bytes('0000000000000000'), 'NULL', 0],
    ['a double', 12, bytes('000000000000f83f'), '1.5', 1.5],
    [
      'a struct with bit fields and an anonymous union',
      8,
      RULE_LITTLE,
      '{.hits = 5, .state = LOST, .on = true, .low = 5, .high = 13, .name = "ab", .number = 1660969569}',
      { hits: 5, state: 'LOST', on: true, low: 5, high: 13, name: 'ab', number: 1660969569 },
    ],
    [
      'a typedef',
      11,
      RULE_LITTLE.subarray(0, 24),
      expect.stringContaining('{.hits = 5, ') as unknown as string,
      expect.objectContaining({ hits: 5 }),
    ],
    [
      'a variable',
      16,
      RULE_LITTLE,
      expect.stringContaining('{.hits = 5, ') as unknown as string,
      expect.objectContaining({ hits: 5 }),
    ],
    [
      'too few bytes',
      8,
      bytes('0500000000000000'),
      '{.hits = 5, .state = …, .on = …, .low = …, .high = …, .name = "", .number = …}',
      expect.objectContaining({ hits: 5, state: null }),
    ],
    ['an array of nothing, four billion times', 14, bytes('00'), '{…}', [null]],
    ['a flexible array', 15, bytes(''), '""', ''],
    ["no type, a number's size", 0, bytes('0500'), '5', 5],
    ['no type', 0, bytes('010203'), 'hex:01 02 03', '01 02 03'],
  ])('%s', (_, type, value, text, json) => {
    const decoded = decodeValue(BTF, type, value, 'little');
    expect(valueText(decoded)).toEqual(text);
    expect(valueJson(decoded)).toEqual(json);
  });

  test('big endian', () => {
    expect(valueText(decodeValue(BTF, 8, RULE_BIG, 'big'))).toBe(
      '{.hits = 5, .state = LOST, .on = true, .low = 5, .high = 13, .name = "ab", .number = 1633812579}',
    );
  });

  test('without BTF', () => {
    expect(valueText(decodeValue(null, 8, bytes('0000000000000007'), 'big'))).toBe('7');
  });

  test('types that grow without bound are cut', () => {
    const builder = new BtfBuilder();
    // Each struct has the one before twice, at the same place: 2^40 members.
    builder.add({
      kind: 'int',
      name: 'x',
      size: 1,
      bits: 8,
      bitOffset: 0,
      signed: false,
      char: false,
      bool: false,
    });
    for (let id = 2; id <= 41; id++) {
      const member = { type: id - 1, bitOffset: 0, bitSize: 0 };
      builder.add({
        kind: 'union',
        name: `u${id}`,
        size: 1,
        members: [
          { name: 'a', ...member },
          { name: 'b', ...member },
        ],
      });
    }
    const text = valueText(decodeValue(builder.build(), 41, bytes('00'), 'little'));
    expect(text).toContain('…');
    expect(text.length).toBeLessThan(1_000_000);
  });
});
