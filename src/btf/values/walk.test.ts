/** The walk that all forms of values share. */

import { describe, expect, test } from 'vitest';
import { BtfBuilder } from '../model/builder.ts';
import type { BtfId, BtfType } from '../model/types.ts';
import { decodeData } from './data.ts';
import { valueJson } from './text.ts';
import { type DecodedValue, decodeValue } from './tree.ts';
import type { ValueTypes } from './walk.ts';

const INT: BtfType = {
  kind: 'int',
  name: 'int',
  size: 4,
  bits: 32,
  bitOffset: 0,
  signed: true,
  char: false,
  bool: false,
};

function typesOf(...added: readonly BtfType[]): ValueTypes {
  const builder = new BtfBuilder();
  for (const type of [INT, ...added]) builder.add(type);
  return { btf: builder.build(), order: 'little' };
}

function member(name: string, type: BtfId, bitOffset = 0, bitSize = 0) {
  return { name, type, bitOffset, bitSize };
}

const tree = ({ btf, order }: ValueTypes, id: BtfId, bytes: Uint8Array): DecodedValue =>
  decodeValue(btf, id, bytes, order);

describe('both forms of a value', () => {
  const types = typesOf(
    { kind: 'union', name: '', size: 4, members: [member('whole', 1), member('low', 1, 0, 4)] }, // 2
    { kind: 'array', element: 2, index: 1, length: 2 }, // 3
    { kind: 'struct', name: 's', size: 16, members: [member('a', 1), member('', 2, 32), member('b', 3, 64)] }, // 4
    { kind: 'var', name: 'v', type: 4, linkage: 'global' }, // 5
  );

  test.each([4, 5])('are equal (type %d)', id => {
    const bytes = new Uint8Array(Uint32Array.of(1, 0xff, 3, 4).buffer);
    const expected = {
      a: 1,
      whole: 255,
      low: -1,
      b: [
        { whole: 3, low: 3 },
        { whole: 4, low: 4 },
      ],
    };
    expect(valueJson(tree(types, id, bytes))).toEqual(expected);
    expect(structuredClone(decodeData(types, id, bytes))).toEqual(expected);
  });
});

describe('limits', () => {
  /** Structs in structs: the outermost has `depth` others inside. */
  function nested(depth: number): ValueTypes {
    const inner = (_: unknown, at: number): BtfType => ({
      kind: 'struct',
      name: '',
      size: 4,
      members: [member('m', at + 1)],
    });
    return typesOf(...Array.from({ length: depth }, inner));
  }

  test('depth ends a tree at 32, and values of JavaScript at 64', () => {
    const bytes = new Uint8Array(4);
    expect(JSON.stringify(valueJson(tree(nested(32), 33, bytes)))).toContain('"m":0');
    expect(JSON.stringify(valueJson(tree(nested(33), 34, bytes)))).toContain('"m":null');
    expect(JSON.stringify(decodeData(nested(64), 65, bytes))).toContain('"m":0');
    expect(() => decodeData(nested(65), 66, bytes)).toThrow('type 1 has no value');
  });

  test('anonymous members count', () => {
    const types = typesOf(
      ...Array.from({ length: 40 }, (_, at): BtfType => {
        const inner = [member(at === 0 ? 'm' : '', at + 1)];
        return { kind: 'struct', name: '', size: 4, members: inner };
      }),
    );
    expect(JSON.stringify(valueJson(tree(types, 41, new Uint8Array(4))))).toBe('{"":null}');
    expect(structuredClone(decodeData(types, 41, new Uint8Array(4)))).toEqual({ m: 0 });
  });

  test('elements of no bytes', () => {
    const of = (length: number) =>
      typesOf(
        { kind: 'struct', name: 'empty', size: 0, members: [] },
        { kind: 'array', element: 2, index: 1, length },
      );
    expect(valueJson(tree(of(2), 3, new Uint8Array(0)))).toEqual([{}, {}]);
    expect(valueJson(tree(of(0xffffffff), 3, new Uint8Array(0)))).toEqual([null]);
    expect(structuredClone(decodeData(of(2), 3, new Uint8Array(0)))).toEqual([{}, {}]);
    expect(() => decodeData(of(0xffffffff), 3, new Uint8Array(0))).toThrow('type 2 has no size');
  });

  test('bytes that end', () => {
    const types = typesOf({ kind: 'array', element: 1, index: 1, length: 4 });
    expect(valueJson(tree(types, 2, new Uint8Array(8)))).toEqual([0, 0, null]);
    expect(() => decodeData(types, 2, new Uint8Array(8))).toThrow(
      expect.objectContaining({ code: 'bytes-truncated' }),
    );
  });
});
