/**
 * Objects with very many elements: time and memory of reading, writing and linking grow with the size of the
 * file.
 */

import { describe, expect, test } from 'vitest';
import type { BtfType } from '../../src/btf/model/types.ts';
import { EXIT } from '../../src/isa/assemble.ts';
import { link } from '../../src/link/link.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { build, FUNC, move, OBJECT, R_ADDRESS, type Sample, sample, symbol, TYPE } from './object-sample.ts';

/** Adds `count` of something to the sample. */
const KINDS: readonly (readonly [what: string, grow: (parts: Sample, count: number) => void])[] = [
  ['functions', (parts, count) => addFunctions(parts, count, 1)],
  ['static functions of one name', (parts, count) => addFunctions(parts, count, 0)],
  [
    'variables',
    (parts, count) => {
      const end = (parts.data.get('.data') ?? new Uint8Array()).length;
      parts.data.set('.data', new Uint8Array(end + 4 * count));
      for (let index = 0; index < count; index++) {
        parts.symbols.push(symbol(`variable${index}`, '.data', end + 4 * index, 4, { type: OBJECT }));
        parts.types.push({ kind: 'var', name: `variable${index}`, type: TYPE.int, linkage: 'global' });
      }
    },
  ],
  [
    'open names',
    (parts, count) => {
      for (let index = 0; index < count; index++)
        parts.symbols.push(symbol(`extern${index}`, 0, 0, 0, { type: 0, binding: 2 }));
    },
  ],
  [
    'strings',
    (parts, count) => {
      const bytes = new Uint8Array(8 * count).map((_, at) =>
        at % 8 === 7 ? 0 : 0x61 + ((Math.floor(at / 8) >> (at % 8)) % 26),
      );
      parts.data.set('.rodata.str1.1', bytes);
      parts.shells.set('.rodata.str1.1', { flags: 0x32, entsize: 1, align: 1 });
      const list = parts.relocations.get('tc') ?? [];
      parts.insns.tc.pop();
      for (let index = 0; index < count; index++) {
        list.push({ offset: 8 * parts.insns.tc.length, type: R_ADDRESS, symbol: '@.rodata.str1.1' });
        parts.insns.tc.push(
          { opcode: 0x18, dst: 1, src: 0, offset: 0, imm: 8 * index },
          { ...EXIT, opcode: 0 },
        );
      }
      parts.insns.tc.push(EXIT);
      const at = parts.symbols.findIndex(one => one.name === 'prog');
      parts.symbols[at] = symbol('prog', 'tc', 0, 8 * parts.insns.tc.length, { type: FUNC });
    },
  ],
  [
    'empty strings',
    (parts, count) => {
      parts.data.set('.rodata.str1.1', new Uint8Array(100 * count));
      parts.shells.set('.rodata.str1.1', { flags: 0x32, entsize: 1, align: 1 });
    },
  ],
  [
    'structs that differ in what they point at',
    (parts, count) => {
      for (let index = 0; index < count; index++) {
        const pointer: BtfType = { kind: 'ptr', type: parts.types.length + 2 };
        const members = [{ name: 'next', type: parts.types.length + 1, bitOffset: 0, bitSize: 0 }];
        parts.types.push(pointer, { kind: 'struct', name: 'link', size: 8, members });
      }
    },
  ],
];

function addFunctions(parts: Sample, count: number, binding: number): void {
  for (let index = 0; index < count; index++) {
    const name = binding === 0 ? 'same' : `function${index}`;
    const at = 8 * parts.insns.text.length;
    parts.insns.text.push(move(index), EXIT);
    parts.symbols.push(symbol(name, '.text', at, 16, { type: FUNC, binding }));
    parts.types.push({ kind: 'func', name, type: TYPE.proto, linkage: binding === 0 ? 'static' : 'global' });
    parts.ext.funcs.push({ section: '.text', byteOffset: at, type: parts.types.length });
  }
}

/** The shorter of two times, in milliseconds. */
function time(body: () => void): number {
  const times = [0, 1].map(() => {
    const start = performance.now();
    body();
    return performance.now() - start;
  });
  return Math.min(...times);
}

function work(bytes: Uint8Array): void {
  const object = readObject({ name: 'x.o', bytes });
  writeObject(object);
  const result = link([object, { name: 'other.o', bytes: build(otherFile()) }]);
  expect(result.ok).toBe(true);
  if (result.ok) writeObject(result.object);
}

/** Something to link with: the sample with names of its own. */
function otherFile(): Sample {
  const parts = sample();
  parts.symbols.length = 0;
  parts.relocations.clear();
  parts.ext.funcs.length = 0;
  parts.data.clear();
  parts.types.length = 1;
  return parts;
}

describe('growth', () => {
  test.each(KINDS)(
    '%s',
    (_, grow) => {
      const [small, large] = [1000, 8000].map(count => {
        const parts = sample();
        grow(parts, count);
        return build(parts);
      });
      if (small === undefined || large === undefined) throw new Error('not built');
      time(() => work(small));
      const few = time(() => work(small));
      const many = time(() => work(large));
      // Eight times as much; quadratic growth would be 64 times, and the machine is shared.
      expect(many / Math.max(few, 2)).toBeLessThan(40);
      expect(many).toBeLessThan(10_000);
    },
    60_000,
  );
});
