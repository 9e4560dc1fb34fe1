/** Bytes to types and back for every kind, and what is refused. */

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMANDS, needs } from '../../../test/support/needs.ts';
import { runTool } from '../../../test/support/run.ts';
import { formatDefinition, formatType } from '../c/format.ts';
import { errorOf, INT, idOf, sectionOf, typesOf, withDirectory } from '../model/testing.ts';
import { toRaw } from '../model/to-raw.ts';
import type { BtfType } from '../model/types.ts';
import { encodeBtf } from './encode.ts';
import { parseBtf } from './parse.ts';

const KFLAG = 0x80000000;
const INT_WORDS = [1, 0x01000000, 4, 0x01000020];
const INT_NAME = 'int';

interface KindCase {
  readonly name: string;
  readonly type: BtfType;
  /** Words of the type when it is number 2, after an `int` that is number 1; names start at offset 5. */
  readonly words: readonly number[];
  readonly strings?: readonly string[];
  /** Further types that the type needs. */
  readonly after?: { readonly types: readonly BtfType[]; readonly words: readonly number[] };
}

const PROTO: BtfType = { kind: 'func_proto', returns: 1, params: [] };

const KINDS: readonly KindCase[] = [
  {
    name: 'int',
    type: {
      kind: 'int',
      name: 'bool',
      size: 1,
      bits: 8,
      bitOffset: 0,
      signed: false,
      char: false,
      bool: true,
    },
    words: [5, 0x01000000, 1, 0x04000008],
    strings: ['bool'],
  },
  {
    name: 'int with a bit offset',
    type: { ...INT, name: 'x', size: 8, bits: 3, bitOffset: 5, char: true },
    words: [5, 0x01000000, 8, 0x03050003],
    strings: ['x'],
  },
  { name: 'ptr to void', type: { kind: 'ptr', type: 0 }, words: [0, 0x02000000, 0] },
  {
    name: 'array',
    type: { kind: 'array', element: 1, index: 1, length: 7 },
    words: [0, 0x03000000, 0, 1, 1, 7],
  },
  {
    name: 'struct',
    type: {
      kind: 'struct',
      name: 's',
      size: 8,
      members: [
        { name: 'a', type: 1, bitOffset: 0, bitSize: 0 },
        { name: '', type: 1, bitOffset: 32, bitSize: 0 },
      ],
    },
    words: [5, 0x04000002, 8, 7, 1, 0, 0, 1, 32],
    strings: ['s', 'a'],
  },
  {
    name: 'struct with bit fields',
    type: {
      kind: 'struct',
      name: '',
      size: 8,
      members: [
        { name: 'a', type: 1, bitOffset: 3, bitSize: 5 },
        { name: 'b', type: 1, bitOffset: 32, bitSize: 0 },
      ],
    },
    words: [0, KFLAG + 0x04000002, 8, 5, 1, 0x05000003, 7, 1, 32],
    strings: ['a', 'b'],
  },
  {
    name: 'union',
    type: { kind: 'union', name: 'u', size: 4, members: [{ name: 'a', type: 1, bitOffset: 0, bitSize: 0 }] },
    words: [5, 0x05000001, 4, 7, 1, 0],
    strings: ['u', 'a'],
  },
  {
    name: 'unsigned enum',
    type: { kind: 'enum', name: 'e', size: 4, signed: false, values: [{ name: 'A', value: 0xffffffffn }] },
    words: [5, 0x06000001, 4, 7, 0xffffffff],
    strings: ['e', 'A'],
  },
  {
    name: 'signed enum',
    type: { kind: 'enum', name: 'e', size: 4, signed: true, values: [{ name: 'A', value: -1n }] },
    words: [5, KFLAG + 0x06000001, 4, 7, 0xffffffff],
    strings: ['e', 'A'],
  },
  {
    name: 'forward declaration of a struct',
    type: { kind: 'fwd', name: 'f', union: false },
    words: [5, 0x07000000, 0],
    strings: ['f'],
  },
  {
    name: 'forward declaration of a union',
    type: { kind: 'fwd', name: 'f', union: true },
    words: [5, KFLAG + 0x07000000, 0],
    strings: ['f'],
  },
  {
    name: 'typedef',
    type: { kind: 'typedef', name: 't', type: 1 },
    words: [5, 0x08000000, 1],
    strings: ['t'],
  },
  { name: 'volatile', type: { kind: 'volatile', type: 1 }, words: [0, 0x09000000, 1] },
  { name: 'const', type: { kind: 'const', type: 0 }, words: [0, 0x0a000000, 0] },
  { name: 'restrict', type: { kind: 'restrict', type: 1 }, words: [0, 0x0b000000, 1] },
  {
    name: 'static function',
    type: { kind: 'func', name: 'f', type: 3, linkage: 'static' },
    words: [5, 0x0c000000, 3],
    strings: ['f'],
    after: { types: [PROTO], words: [0, 0x0d000000, 1] },
  },
  {
    name: 'extern function',
    type: { kind: 'func', name: 'f', type: 3, linkage: 'extern' },
    words: [5, 0x0c000002, 3],
    strings: ['f'],
    after: { types: [PROTO], words: [0, 0x0d000000, 1] },
  },
  {
    name: 'function prototype with ...',
    type: {
      kind: 'func_proto',
      returns: 0,
      params: [
        { name: 'a', type: 1 },
        { name: '', type: 0 },
      ],
    },
    words: [0, 0x0d000002, 0, 5, 1, 0, 0],
    strings: ['a'],
  },
  {
    name: 'function prototype with references, which are void',
    type: {
      kind: 'func_proto',
      returns: 0,
      params: [
        { name: '', type: 0 },
        { name: 'a', type: 0 },
      ],
    },
    words: [0, 0x0d000002, 0, 0, 0, 5, 0],
    strings: ['a'],
  },
  {
    name: 'global variable',
    type: { kind: 'var', name: 'v', type: 1, linkage: 'global' },
    words: [5, 0x0e000000, 1, 1],
    strings: ['v'],
  },
  {
    name: 'data section',
    type: { kind: 'datasec', name: '.data', size: 12, vars: [{ type: 3, offset: 8, size: 4 }] },
    words: [5, 0x0f000001, 12, 3, 8, 4],
    strings: ['.data', 'v'],
    after: {
      types: [{ kind: 'var', name: 'v', type: 1, linkage: 'static' }],
      words: [11, 0x0e000000, 1, 0],
    },
  },
  {
    name: 'float',
    type: { kind: 'float', name: 'double', size: 8 },
    words: [5, 0x10000000, 8],
    strings: ['double'],
  },
  {
    name: 'declaration tag on a whole type',
    type: { kind: 'decl_tag', name: 'tag', type: 3, component: -1, attribute: false },
    words: [5, 0x11000000, 3, 0xffffffff],
    strings: ['tag', 't'],
    after: { types: [{ kind: 'typedef', name: 't', type: 1 }], words: [9, 0x08000000, 1] },
  },
  {
    name: 'declaration tag on a member, as an attribute',
    type: { kind: 'decl_tag', name: 'tag', type: 3, component: 0, attribute: true },
    words: [5, KFLAG + 0x11000000, 3, 0],
    strings: ['tag', 's', 'm'],
    after: {
      types: [
        { kind: 'struct', name: 's', size: 4, members: [{ name: 'm', type: 1, bitOffset: 0, bitSize: 0 }] },
      ],
      words: [9, 0x04000001, 4, 11, 1, 0],
    },
  },
  {
    name: 'type tag',
    type: { kind: 'type_tag', name: 'user', type: 1, attribute: false },
    words: [5, 0x12000000, 1],
    strings: ['user'],
  },
  {
    name: 'unsigned 64-bit enum',
    type: {
      kind: 'enum64',
      name: 'e',
      size: 8,
      signed: false,
      values: [{ name: 'A', value: 0xfedcba9876543210n }],
    },
    words: [5, 0x13000001, 8, 7, 0x76543210, 0xfedcba98],
    strings: ['e', 'A'],
  },
  {
    name: 'signed 64-bit enum',
    type: { kind: 'enum64', name: 'e', size: 8, signed: true, values: [{ name: 'A', value: -2n }] },
    words: [5, KFLAG + 0x13000001, 8, 7, 0xfffffffe, 0xffffffff],
    strings: ['e', 'A'],
  },
];

describe('kinds', () => {
  test.for(['little', 'big'] as const)('are read and written, %s-endian', order => {
    for (const { name, type, words, strings = [], after } of KINDS) {
      const bytes = sectionOf(order, {
        words: [...INT_WORDS, ...words, ...(after?.words ?? [])],
        strings: [INT_NAME, ...strings],
      });
      const parsed = parseBtf(bytes, order);
      expect(parsed.type(2), name).toEqual(type);
      expect(parsed.count, name).toBe(2 + (after?.types.length ?? 0));
      const built = typesOf(INT, type, ...(after?.types ?? []));
      expect(encodeBtf(built, order), `${name}, built`).toEqual(bytes);
      expect(encodeBtf(parsed, order), `${name}, parsed`).toEqual(bytes);
    }
  });

  test('are reported without decoding', () => {
    const btf = parseBtf(sectionOf('little', { words: INT_WORDS, strings: [INT_NAME] }), 'little');
    expect([btf.kindOf(0), btf.kindOf(1)]).toEqual([0, 1]);
    expect([btf.nameOf(0), btf.nameOf(1)]).toEqual(['', 'int']);
  });
});

describe('header', () => {
  const types = { words: INT_WORDS, strings: [INT_NAME] };

  /** The section with a longer header: `extra` after the six words that everyone knows. */
  function withLongerHeader(extra: readonly number[]): Uint8Array {
    const section = sectionOf('little', types);
    const bytes = new Uint8Array(section.length + extra.length * 4);
    bytes.set(section.subarray(0, 24));
    const view = new DataView(bytes.buffer);
    view.setUint32(4, 24 + extra.length * 4, true);
    for (const [index, word] of extra.entries()) view.setUint32(24 + index * 4, word, true);
    bytes.set(section.subarray(24), 24 + extra.length * 4);
    return bytes;
  }

  test('may have a layout section', () => {
    expect(parseBtf(withLongerHeader([0, 4]), 'little').type(1)).toEqual(INT);
  });

  test('may be longer if the rest is zero', () => {
    expect(parseBtf(withLongerHeader([0, 0, 0, 0]), 'little').type(1)).toEqual(INT);
    expect(errorOf(() => parseBtf(withLongerHeader([0, 0, 1]), 'little')).code).toBe('btf-header');
  });

  test('may have strings before types', () => {
    const section = sectionOf('little', types);
    const bytes = new Uint8Array(24 + 8 + 16);
    bytes.set(section.subarray(0, 24));
    bytes.set(section.subarray(24 + 16), 24);
    bytes.set(section.subarray(24, 24 + 16), 32);
    const view = new DataView(bytes.buffer);
    for (const [index, word] of [8, 16, 0, 5].entries()) view.setUint32(8 + index * 4, word, true);
    expect(parseBtf(bytes, 'little').type(1)).toEqual(INT);
  });

  test('with a vlen of more than 16 bits is read', () => {
    const count = 0x10001;
    const values = Array.from({ length: count * 2 }, (_, index) => (index % 2 === 0 ? 1 : index >> 1));
    const bytes = sectionOf('little', { words: [0, 0x06000000 + count, 4, ...values], strings: ['A'] });
    const type = parseBtf(bytes, 'little').type(1);
    expect(type.kind === 'enum' && type.values.length).toBe(count);
  });

  test('of an empty section is enough', () => {
    expect(parseBtf(sectionOf('big', { words: [] }), 'big').count).toBe(0);
  });

  test('in the other byte order is explained', () => {
    const error = errorOf(() => parseBtf(sectionOf('big', types), 'little'));
    expect(error.code).toBe('btf-magic');
    expect(error.problems[0]?.where).toEqual(['section ".BTF"']);
    expect(error.message).toContain('big-endian');
  });

  interface HeaderCase {
    readonly code: string;
    readonly name: string;
    readonly at: number;
    readonly value: number;
    readonly width?: 8;
  }

  const BROKEN: readonly HeaderCase[] = [
    { name: 'wrong magic', at: 0, value: 0x1234, code: 'btf-magic' },
    { name: 'unknown version', at: 2, value: 2, width: 8, code: 'btf-version' },
    { name: 'flags', at: 3, value: 1, width: 8, code: 'btf-flags' },
    { name: 'header length too small', at: 4, value: 20, code: 'btf-header' },
    { name: 'header length beyond the section', at: 4, value: 0xfffffff0, code: 'btf-header' },
    { name: 'types beyond the section', at: 8, value: 0xfffffffc, code: 'btf-header' },
    { name: 'types that wrap', at: 12, value: 0xfffffffc, code: 'btf-header' },
    { name: 'length of types not a multiple of 4', at: 12, value: 15, code: 'btf-header' },
    { name: 'strings beyond the section', at: 16, value: 17, code: 'btf-header' },
    { name: 'strings that wrap', at: 20, value: 0xffffffff, code: 'btf-header' },
    { name: 'strings over types', at: 16, value: 8, code: 'btf-header' },
    { name: 'no strings', at: 20, value: 0, code: 'btf-strings' },
    { name: 'strings without a final NUL', at: 20, value: 4, code: 'btf-strings' },
  ];

  test.for(BROKEN)('$name is refused', ({ at, value, width, code }) => {
    const bytes = sectionOf('little', types).slice();
    const view = new DataView(bytes.buffer);
    if (width === 8) view.setUint8(at, value);
    else if (at === 0) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    const error = errorOf(() => parseBtf(bytes, 'little'));
    expect(error.code).toBe(code);
    expect(error.problems[0]?.where[0]).toBe('section ".BTF"');
  });

  test('of a section made to exhaust memory is refused', () => {
    const error = errorOf(() => parseBtf(new Uint8Array(2 ** 26 + 1), 'little'));
    expect(error.problems).toMatchObject([
      {
        code: 'btf-too-large',
        message: '67108865 bytes are more than the limit of 64 MiB',
        hint: 'raise the limit: --limits btf=128MiB (option limits)',
      },
    ]);
  });

  test('is limited by the option', () => {
    const bytes = sectionOf('little', types);
    const limits = { btf: Math.max(bytes.length, 1024) };
    expect(parseBtf(bytes, 'little', { limits }).count).toBeGreaterThan(0);
    const large = new Uint8Array(2048);
    large.set(bytes);
    expect(errorOf(() => parseBtf(large, 'little', { limits: { btf: 2047 } })).code).toBe('btf-too-large');
    expect(errorOf(() => parseBtf(bytes, 'little', { limits: { btf: 7 } })).code).toBe('usage-limits');
  });

  test('that is cut anywhere is refused', () => {
    const whole = sectionOf('little', types);
    for (let length = 0; length < whole.length; length++) {
      expect(errorOf(() => parseBtf(whole.subarray(0, length), 'little')).code, `${length} bytes`).toMatch(
        /^btf-(header|strings)$/,
      );
    }
  });
});

describe('words', () => {
  interface WordCase {
    readonly name: string;
    readonly words: readonly number[];
    readonly strings?: readonly string[];
    readonly code: string;
    /** Second place of the error. */
    readonly place?: string;
  }

  const int = INT_WORDS;
  const strings = [INT_NAME, 's', 'm'];
  const BROKEN: readonly WordCase[] = [
    { name: 'kind 0', words: [0, 0, 0], code: 'btf-kind', place: 'type 1' },
    { name: 'kind 20', words: [0, 0x14000000, 0], code: 'btf-kind' },
    { name: 'kind 127', words: [0, 0x7f000000, 0], code: 'btf-kind' },
    { name: 'two words', words: [0, 0x02000000], code: 'btf-truncated' },
    { name: 'int without its encoding', words: [1, 0x01000000, 4], code: 'btf-truncated' },
    { name: 'members past the section', words: [0, 0x04000002, 4, 0, 1, 0], code: 'btf-truncated' },
    { name: 'vlen of millions', words: [0, 0x04ffffff, 4, 0, 1, 0], code: 'btf-truncated' },
    { name: 'vlen where none belongs', words: [0, 0x02000001, 0], code: 'btf-vlen' },
    { name: 'kind flag where none belongs', words: [0, KFLAG + 0x02000000, 0], code: 'btf-kind-flag' },
    { name: 'name outside', words: [99, 0x01000000, 4, 32], code: 'btf-string-offset' },
    { name: 'name at the end of the table', words: [9, 0x01000000, 4, 32], code: 'btf-string-offset' },
    {
      name: 'member name outside',
      words: [...int, 5, 0x04000001, 4, 99, 1, 0],
      code: 'btf-string-offset',
      place: 'type 2 (struct "s")',
    },
    { name: 'named pointer', words: [1, 0x02000000, 0], code: 'btf-name' },
    { name: 'typedef without a name', words: [0, 0x08000000, 0], code: 'btf-name' },
    { name: 'forward declaration without a name', words: [0, 0x07000000, 0], code: 'btf-name' },
    { name: 'type tag without a name', words: [0, 0x12000000, 0], code: 'btf-name' },
    { name: 'id out of range', words: [0, 0x02000000, 2], code: 'btf-type-id' },
    { name: 'id 2^32 - 1', words: [0, 0x02000000, 0xffffffff], code: 'btf-type-id' },
    { name: 'int of more than 128 bits', words: [1, 0x01000000, 32, 129], code: 'btf-int-bits' },
    { name: 'int with more bits than bytes', words: [1, 0x01000000, 4, 33], code: 'btf-int-bits' },
    { name: 'int with bits beyond its end', words: [1, 0x01000000, 4, 0x00100020], code: 'btf-int-bits' },
    { name: 'int with unknown encoding', words: [1, 0x01000000, 4, 0x08000020], code: 'btf-int-encoding' },
    { name: 'float of 5 bytes', words: [1, 0x10000000, 5], code: 'btf-size' },
    { name: 'enum of 3 bytes', words: [5, 0x06000001, 3, 7, 0], code: 'btf-size' },
    { name: 'enum of 0 bytes with values', words: [5, 0x06000001, 0, 7, 0], code: 'btf-size' },
    { name: 'function of an int', words: [...int, 5, 0x0c000000, 1], code: 'btf-reference-kind' },
    { name: 'function of void', words: [5, 0x0c000000, 0], code: 'btf-reference-kind' },
    {
      name: 'function with linkage 3',
      words: [0, 0x0d000000, 0, 5, 0x0c000003, 1],
      code: 'btf-linkage',
      place: 'type 2 (function "s")',
    },
    { name: 'variable with linkage 3', words: [...int, 5, 0x0e000000, 1, 3], code: 'btf-linkage' },
    {
      name: 'member of a function',
      words: [0, 0x0d000000, 0, 5, 0x0c000000, 1, 5, 0x04000001, 8, 7, 2, 0],
      code: 'btf-reference-kind',
    },
    {
      name: 'pointer to a variable',
      words: [...int, 5, 0x0e000000, 1, 0, 0, 0x02000000, 2],
      code: 'btf-reference-kind',
    },
    {
      name: 'variable of a variable',
      words: [...int, 5, 0x0e000000, 1, 0, 5, 0x0e000000, 2, 0],
      code: 'btf-reference-kind',
    },
    {
      name: 'typedef of a data section',
      words: [5, 0x0f000000, 0, 5, 0x08000000, 1],
      code: 'btf-reference-kind',
    },
    { name: 'data section of types', words: [...int, 5, 0x0f000001, 4, 1, 0, 4], code: 'btf-reference-kind' },
    {
      name: 'functions outside .ksyms',
      words: [0, 0x0d000000, 0, 5, 0x0c000002, 1, 7, 0x0f000001, 0, 2, 0, 0],
      code: 'btf-reference-kind',
    },
    {
      name: 'tag on an int',
      words: [...int, 5, 0x11000000, 1, 0xffffffff],
      code: 'btf-reference-kind',
    },
    {
      name: 'tag on a member that is not there',
      words: [...int, 5, 0x04000001, 4, 7, 1, 0, 7, 0x11000000, 2, 1],
      code: 'btf-tag-component',
    },
    {
      name: 'tag with component -2',
      words: [...int, 5, 0x04000001, 4, 7, 1, 0, 7, 0x11000000, 2, 0xfffffffe],
      code: 'btf-tag-component',
    },
    {
      name: 'tag on a parameter that is not there',
      words: [0, 0x0d000000, 0, 5, 0x0c000000, 1, 7, 0x11000000, 2, 0],
      code: 'btf-tag-component',
    },
    { name: 'member past the end', words: [...int, 5, 0x04000001, 4, 7, 1, 8], code: 'btf-member-offset' },
    {
      name: 'member offset of 2^32 - 1',
      words: [...int, 5, 0x04000001, 4, 7, 1, 0xffffffff],
      code: 'btf-member-offset',
    },
    {
      name: 'bit field past the end',
      words: [...int, 5, KFLAG + 0x04000001, 4, 7, 1, 0x0800001c],
      code: 'btf-member-offset',
    },
    {
      name: 'bit field that ends one bit past the end',
      words: [...int, 5, KFLAG + 0x04000001, 4, 7, 1, 0x08000019],
      code: 'btf-member-offset',
    },
    {
      name: 'bit field wider than its type',
      words: [...int, 5, KFLAG + 0x04000001, 8, 7, 1, 0x21000000],
      code: 'btf-bit-field',
    },
    {
      name: 'bit field of a pointer',
      words: [0, 0x02000000, 0, 5, KFLAG + 0x04000001, 8, 7, 1, 0x01000000],
      code: 'btf-bit-field',
    },
    {
      name: 'member that is only declared',
      words: [5, 0x07000000, 0, 5, 0x04000001, 4, 7, 1, 0],
      code: 'btf-member-type',
    },
    { name: 'array of void', words: [...int, 0, 0x03000000, 0, 0, 1, 2], code: 'btf-array-element' },
    {
      name: 'variable over 4 GiB',
      words: [...int, 0, 0x03000000, 0, 1, 1, 0x40000000, 5, 0x0e000000, 2, 0],
      code: 'btf-array-size',
    },
    {
      name: 'member over 4 GiB',
      words: [...int, 0, 0x03000000, 0, 1, 1, 0x40000000, 5, 0x04000001, 4, 7, 2, 0],
      code: 'btf-member-offset',
    },
    {
      name: 'array of arrays over 4 GiB',
      words: [...int, 0, 0x03000000, 0, 1, 1, 0x40000000, 0, 0x03000000, 0, 2, 1, 1],
      code: 'btf-array-size',
    },
    {
      name: 'array indexed by a pointer',
      words: [...int, 0, 0x02000000, 0, 0, 0x03000000, 0, 1, 2, 2],
      code: 'btf-array-index',
    },
    { name: 'typedef of itself', words: [5, 0x08000000, 1], code: 'btf-cycle' },
    { name: 'const of itself', words: [0, 0x0a000000, 1], code: 'btf-cycle' },
    { name: 'loop of modifiers', words: [0, 0x0a000000, 2, 0, 0x09000000, 1], code: 'btf-cycle' },
    { name: 'array of itself', words: [0, 0x03000000, 0, 1, 1, 2], code: 'btf-cycle' },
    { name: 'struct in itself', words: [5, 0x04000001, 4, 7, 1, 0], code: 'btf-cycle' },
    {
      name: 'struct in an array in itself',
      words: [...int, 5, 0x04000001, 4, 7, 3, 0, 0, 0x03000000, 0, 2, 1, 1],
      code: 'btf-cycle',
    },
    { name: 'pointer to itself', words: [0, 0x02000000, 1], code: 'btf-cycle' },
    {
      name: 'pointers and typedefs in a circle',
      words: [0, 0x02000000, 2, 5, 0x08000000, 3, 0, 0x0a000000, 1],
      code: 'btf-cycle',
    },
  ];

  test.for(BROKEN)('$name', ({ words, strings: names = strings, code, place }) => {
    for (const order of ['little', 'big'] as const) {
      const error = errorOf(() => parseBtf(sectionOf(order, { words, strings: names }), order));
      expect(error.message && error.code).toBe(code);
      expect(error.problems[0]?.where[0]).toBe('section ".BTF"');
      if (place !== undefined) expect(error.problems[0]?.where[1]).toBe(place);
    }
  });

  test('a name that is not UTF-8', () => {
    const bytes = sectionOf('little', { words: [1, 0x08000000, 0], strings: ['ab'] });
    bytes[bytes.length - 2] = 0xff;
    expect(errorOf(() => parseBtf(bytes, 'little')).code).toBe('btf-name-encoding');
  });

  interface FineCase {
    readonly name: string;
    readonly words: readonly number[];
    /** Strings from offset 9 on. */
    readonly names?: readonly string[];
  }

  const FINE: readonly FineCase[] = [
    { name: 'a struct that points to itself', words: [5, 0x04000001, 8, 7, 2, 0, 0, 0x02000000, 1] },
    {
      name: 'a function that takes a pointer to its own type',
      words: [0, 0x0d000001, 0, 0, 2, 0, 0x02000000, 1],
    },
    { name: 'functions in .ksyms', words: [0, 0x0d000000, 0, 5, 0x0c000002, 1, 9, 0x0f000001, 0, 2, 0, 0] },
    { name: 'an array indexed by void', words: [...int, 0, 0x03000000, 0, 1, 0, 2] },
    { name: 'a function without a name', words: [0, 0x0d000000, 0, 0, 0x0c000000, 1] },
    { name: 'an extern without a type', words: [0, 0x0a000000, 0, 5, 0x0e000000, 1, 2] },
    { name: 'an enum that is only declared', words: [5, 0x06000000, 0] },
    { name: 'an int of 3 bytes', words: [1, 0x01000000, 3, 24] },
    {
      name: 'a pointer to an array of more than 4 GiB',
      words: [...int, 0, 0x03000000, 0, 1, 1, 0x40000000, 0, 0x02000000, 2],
    },
    { name: 'a float without a name', words: [0, 0x10000000, 8] },
    { name: 'a pointer to a function', words: [0, 0x0d000000, 0, 5, 0x0c000000, 1, 0, 0x02000000, 2] },
    { name: 'a void member', words: [5, 0x04000001, 4, 7, 0, 256] },
    { name: 'a flexible array', words: [...int, 0, 0x03000000, 0, 1, 1, 0, 5, 0x04000001, 0, 7, 2, 0] },
    {
      name: 'a bit field by a narrow int at the end of a struct',
      words: [1, 0x01000000, 4, 0x01000003, 5, 0x04000001, 4, 7, 1, 29],
    },
    {
      name: 'pointers of 4 bytes where long has 4',
      words: [9, 0x01000000, 4, 0x01000020, 0, 0x02000000, 0, 5, 0x04000001, 4, 7, 2, 0],
      names: ['long'],
    },
  ];

  test.for(FINE)('$name is accepted', ({ words, names = ['.ksyms'] }) => {
    const section = sectionOf('little', { words, strings: [INT_NAME, 's', 'm', ...names] });
    const parsed = parseBtf(section, 'little');
    expect(parseBtf(encodeBtf(parsed, 'big'), 'big').count).toBe(parsed.count);
    expect(parsed.count).toBeGreaterThan(0);
  });

  test('depth does not matter', () => {
    const words: number[] = [];
    const depth = 200_000;
    for (let id = 1; id < depth; id++) words.push(0, 0x0a000000, id + 1);
    words.push(1, 0x01000000, 4, 0x20);
    const btf = parseBtf(sectionOf('little', { words, strings: [INT_NAME] }), 'little');
    expect(btf.count).toBe(depth);
  });
});

needs('gcc').test('what GCC writes is read', () => {
  const source = `
    struct s { int a; char b: 3; struct later *p; double d; int (*call)(int, ...); int flex[]; };
    enum e { A = -1, B } e;
    typedef int open_t[];
    extern open_t other;
    static int get(struct s *s) { return s->call(s->a); }
    int f(struct s *restrict s) { return get(s) + other[e]; }
  `;
  withDirectory(directory => {
    const [input, object, dump] = ['gcc.c', 'gcc.o', 'gcc.btf'].map(name => path.join(directory, name));
    if (input === undefined || object === undefined || dump === undefined) throw new Error('three names');
    writeFileSync(input, source);
    runTool(COMMANDS.gcc, ['-gbtf', '-c', input, '-o', object]);
    runTool('objcopy', ['--dump-section', `.BTF=${dump}`, object]);
    const btf = toRaw(parseBtf(readFileSync(dump), 'little'));
    const id = idOf(btf, 'struct', 's');
    expect(formatDefinition(btf, id)).toContain('int (*call)(int, ...);');
    expect(formatType(btf, idOf(btf, 'func', 'f'))).toContain('f(struct s *restrict s)');
  });
});
