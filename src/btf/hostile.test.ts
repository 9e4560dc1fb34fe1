/**
 * Every word of real types set to awkward values: accepted input can be used, and only `RootletError` is
 * thrown.
 */

import { expect, test } from 'vitest';
import { SeededRandom } from '../../test/hostile/random.ts';
import { RootletError } from '../diag/problem.ts';
import { encodeBtf } from './binary/encode.ts';
import { parseBtf } from './binary/parse.ts';
import { encodeBtfWithExt, parseBtfExt } from './binary/testing.ts';
import { formatDefinition, formatType } from './c/format.ts';
import { formatBtfAsC } from './c/format-c.ts';
import { compareTypes } from './compare/compare.ts';
import { mergeBtf } from './merge/merge.ts';
import type { RawBtf } from './model/raw.ts';
import { CHAR, INT, LONG, member, pointer, struct, typesOf } from './model/testing.ts';
import { toRaw } from './model/to-raw.ts';
import type { BtfType } from './model/types.ts';

const SAMPLE: readonly BtfType[] = [
  INT,
  CHAR,
  LONG,
  struct('list', 24, member('next', 5, 0), member('call', 7, 8), member('data', 8, 16)),
  pointer(4),
  {
    kind: 'func_proto',
    returns: 1,
    params: [
      { name: 'l', type: 5 },
      { name: '', type: 0 },
    ],
  },
  pointer(6),
  { kind: 'array', element: 1, index: 1, length: 2 },
  { kind: 'union', name: 'u', size: 8, members: [member('a', 8, 0), member('b', 3, 0)] },
  { kind: 'typedef', name: 'u_t', type: 9 },
  { kind: 'const', type: 10 },
  { kind: 'volatile', type: 11 },
  pointer(12),
  { kind: 'restrict', type: 13 },
  { kind: 'enum', name: 'e', size: 4, signed: true, values: [{ name: 'A', value: -1n }] },
  { kind: 'enum64', name: 'w', size: 8, signed: false, values: [{ name: 'B', value: 1n << 63n }] },
  { kind: 'fwd', name: 'list', union: false },
  { kind: 'fwd', name: 'nothing', union: true },
  { kind: 'func', name: 'f', type: 6, linkage: 'static' },
  { kind: 'var', name: 'v', type: 10, linkage: 'global' },
  { kind: 'datasec', name: '.data', size: 8, vars: [{ type: 20, offset: 0, size: 8 }] },
  { kind: 'float', name: 'double', size: 8 },
  { kind: 'decl_tag', name: 'arg', type: 19, component: 0, attribute: false },
  { kind: 'type_tag', name: 'user', type: 15, attribute: true },
  {
    kind: 'struct',
    name: 'bits',
    size: 8,
    members: [
      { name: 'a', type: 15, bitOffset: 0, bitSize: 3 },
      { name: 'b', type: 3, bitOffset: 10, bitSize: 40 },
    ],
  },
];

/** Does with the types what anybody may do. */
function useAll(btf: RawBtf, other: RawBtf): void {
  for (let id = 0; id <= btf.count; id++) {
    formatType(btf, id);
    formatDefinition(btf, id);
    for (const strict of [false, true]) compareTypes(btf, id, other, Math.min(id, other.count), { strict });
  }
  const merged = mergeBtf([{ btf }, { btf: other }]).btf;
  expect(parseBtf(encodeBtf(merged, 'big'), 'big').count).toBe(merged.count);
  formatBtfAsC(merged);
}

/** Whether the bytes were accepted. */
function accepted(body: () => void): boolean {
  try {
    body();
    return true;
  } catch (error) {
    if (error instanceof RootletError && error.problems[0]?.class === 'input') return false;
    throw error;
  }
}

const original = typesOf(...SAMPLE);
const bytes = encodeBtf(original, 'little');
const VALUES = [
  0, 1, 2, 3, 4, 8, 16, 19, 20, 24, 25, 26, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];

test('each word of .BTF', () => {
  let fine = 0;
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const copy = bytes.slice();
    const view = new DataView(copy.buffer);
    const now = view.getUint32(at, true);
    for (const value of [...VALUES, now + 1, now - 1, now ^ 0x01000000, now ^ 0x02000000, now ^ 0x80000000]) {
      view.setUint32(at, value >>> 0, true);
      if (accepted(() => useAll(toRaw(parseBtf(copy, 'little')), original))) fine++;
    }
  }
  expect(fine).toBeGreaterThan(100);
});

test('several bytes at random', () => {
  let fine = 0;
  for (let seed = 1; seed <= 3000; seed++) {
    const random = new SeededRandom(seed);
    const copy = bytes.slice();
    for (let change = random.below(4); change >= 0; change--) {
      copy[24 + random.below(copy.length - 24)] = random.pick([0, 1, 2, 4, 8, 0x80, 0xff, random.below(256)]);
    }
    if (accepted(() => useAll(toRaw(parseBtf(copy, 'little')), original))) fine++;
  }
  expect(fine).toBeGreaterThan(100);
});

test('each word of .BTF.ext', () => {
  const records = {
    funcs: [{ section: 'xdp', byteOffset: 0, type: 19 }],
    lines: [
      {
        section: 'xdp',
        byteOffset: 0,
        lines: [{ insnIndex: 1, file: 'a.c', text: 'x', line: 1, column: 2 }],
      },
    ],
    core: [{ section: 'xdp', byteOffset: 8, type: 4, access: '0:1', kind: 0 }],
  };
  const { btf, ext } = encodeBtfWithExt(original, records, 'big');
  const types = parseBtf(btf, 'big');
  const section = ext ?? new Uint8Array(0);
  for (let at = 0; at + 4 <= section.length; at += 4) {
    for (const value of VALUES) {
      const copy = section.slice();
      new DataView(copy.buffer).setUint32(at, value);
      accepted(() => encodeBtfWithExt(types, parseBtfExt(copy, 'big', types), 'little'));
    }
  }
  const { lines, ...others } = parseBtfExt(section, 'big', types);
  const unpacked = lines.map(part => ({ ...part, lines: [...part.lines] }));
  expect({ ...others, lines: unpacked }).toEqual(records);
});
