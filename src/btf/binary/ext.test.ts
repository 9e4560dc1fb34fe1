/** `.BTF.ext`: round trips, longer records, shorter headers, and what is refused. */

import { describe, expect, test } from 'vitest';
import { needs } from '../../../test/support/needs.ts';
import { compile, errorOf, INT, sectionOfObject, typesOf, withDirectory } from '../model/testing.ts';
import type { BtfExt } from './ext.ts';
import { parseBtf } from './parse.ts';
import { encodeBtfWithExt, parseBtfExt } from './testing.ts';

const btf = typesOf(
  INT,
  { kind: 'func_proto', returns: 1, params: [] },
  { kind: 'func', name: 'first', type: 2, linkage: 'global' },
  { kind: 'func', name: 'second', type: 2, linkage: 'static' },
  { kind: 'struct', name: 's', size: 4, members: [{ name: 'm', type: 1, bitOffset: 0, bitSize: 0 }] },
);

const RECORDS: BtfExt = {
  funcs: [
    { section: 'xdp', byteOffset: 0, type: 3 },
    { section: '.text', byteOffset: 16, type: 4 },
  ],
  lines: [
    {
      section: 'xdp',
      byteOffset: 0,
      lines: [
        { insnIndex: 0, file: 'a.c', text: '  return 0;', line: 12, column: 3 },
        { insnIndex: 1, file: 'a.c', text: '}', line: 0x3fffff, column: 1023 },
      ],
    },
  ],
  core: [{ section: 'xdp', byteOffset: 8, type: 5, access: '0:0', kind: 12 }],
};

function encoded(ext: BtfExt, order: 'little' | 'big' = 'little'): Uint8Array {
  return encodeBtfWithExt(btf, ext, order).ext ?? new Uint8Array(0);
}

/** Parses little-endian bytes against the types and strings that were written with `RECORDS`. */
function parse(bytes: Uint8Array): BtfExt {
  return unpacked(
    parseBtfExt(bytes, 'little', parseBtf(encodeBtfWithExt(btf, RECORDS, 'little').btf, 'little')),
  );
}

/** With plain arrays, to be compared. */
function unpacked(ext: BtfExt): BtfExt {
  return { ...ext, lines: ext.lines.map(part => ({ ...part, lines: [...part.lines] })) };
}

describe('records', () => {
  test.for(['little', 'big'] as const)('are read as they were written, %s-endian', order => {
    const { btf: types, ext } = encodeBtfWithExt(btf, RECORDS, order);
    expect(ext && unpacked(parseBtfExt(ext, order, parseBtf(types, order)))).toEqual(RECORDS);
  });

  test('are grouped by section and ordered by offset', () => {
    const lines = [{ insnIndex: 1, file: 'a.c', text: '', line: 1, column: 1 }];
    const mixed = ['xdp', '.text', 'xdp'].map((section, index) => ({
      section,
      byteOffset: 16 - index * 8,
      lines,
    }));
    const { btf: types, ext } = encodeBtfWithExt(btf, { funcs: [], lines: mixed, core: [] }, 'little');
    const parsed = parseBtfExt(ext ?? new Uint8Array(0), 'little', parseBtf(types, 'little'));
    const places = parsed.lines.map(part => [
      part.section,
      ...Array.from(part.lines, line => line.insnIndex),
    ]);
    expect(places).toEqual([
      ['xdp', 1, 3],
      ['.text', 2],
    ]);
  });

  test('of lines are found in any order, for a part of a section, and written again as they were', () => {
    const records = [4, 0, 2, 2, 9].map((insnIndex, index) => ({
      insnIndex,
      file: 'a.c',
      text: `${index}`,
      line: index,
      column: 0,
    }));
    const unsorted = { funcs: [], lines: [{ section: 'xdp', byteOffset: 0, lines: records }], core: [] };
    const { btf: types, ext } = encodeBtfWithExt(btf, unsorted, 'little');
    const all = parseBtfExt(ext ?? new Uint8Array(0), 'little', parseBtf(types, 'little')).lines[0]?.lines;
    const part = all?.between(16, 72);
    expect(Array.from(part ?? [], line => [line.insnIndex, line.text])).toEqual([
      [0, '2'],
      [0, '3'],
      [2, '0'],
    ]);
    expect([part?.length, part?.at(2)?.insnIndex, part?.at(3), part?.at(-1)]).toEqual([
      3,
      2,
      undefined,
      undefined,
    ]);
    const moved = { funcs: [], lines: [{ section: 'tc', byteOffset: 80, lines: part ?? [] }], core: [] };
    const again = encodeBtfWithExt(btf, moved, 'big');
    const read = parseBtfExt(again.ext ?? new Uint8Array(0), 'big', parseBtf(again.btf, 'big')).lines[0];
    expect(
      Array.from(read?.lines ?? [], line => `${line.insnIndex} ${line.file}:${line.line} ${line.text}`),
    ).toEqual(['10 a.c:2 2', '10 a.c:3 3', '12 a.c:0 0']);
  });

  test('are not written when there are none', () => {
    expect(encodeBtfWithExt(btf, { funcs: [], lines: [], core: [] }, 'little').ext).toBeNull();
  });

  test('may be longer than we know', () => {
    expect(parse(widened(encoded(RECORDS)))).toEqual(RECORDS);
  });

  test('may come without CO-RE in the header', () => {
    const bytes = encoded({ ...RECORDS, core: [] });
    const short = new Uint8Array(bytes.length - 8);
    short.set(bytes.subarray(0, 24));
    short.set(bytes.subarray(32), 24);
    new DataView(short.buffer).setUint32(4, 24, true);
    const { btf: types } = encodeBtfWithExt(btf, { ...RECORDS, core: [] }, 'little');
    const parsed = parseBtfExt(short, 'little', parseBtf(types, 'little'));
    expect(unpacked(parsed)).toEqual({ ...RECORDS, core: [] });
  });
});

/** The same section with records that are 8 bytes longer. */
function widened(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number): number => view.getUint32(at, true);
  const out: number[] = [];
  const lengths: number[] = [];
  for (const block of [0, 1, 2]) {
    const begin = 32 + word(8 + block * 8);
    const end = begin + word(12 + block * 8);
    const first = out.length;
    const size = word(begin);
    out.push(size + 8);
    for (let at = begin + 4; at < end; ) {
      const count = word(at + 4);
      out.push(word(at), count);
      at += 8;
      for (let record = 0; record < count; record++, at += size) {
        for (let i = 0; i < size; i += 4) out.push(word(at + i));
        out.push(0xffffffff, 0xdeadbeef);
      }
    }
    lengths.push((out.length - first) * 4);
  }
  const offsets = [0, lengths[0] ?? 0, (lengths[0] ?? 0) + (lengths[1] ?? 0)];
  const header = [word(0), 32, ...lengths.flatMap((length, block) => [offsets[block] ?? 0, length])];
  return new Uint8Array(new Uint32Array([...header, ...out]).buffer);
}

describe('refused', () => {
  const bytes = encoded(RECORDS);
  /** Where things are in `bytes`: func_info 32 to 68, line_info 68 to 112, core_relo 112 to 140. */
  const BROKEN = [
    { name: 'magic', at: 0, value: 0x0101eb9e, code: 'btf-magic' },
    { name: 'header length 20', at: 4, value: 20, code: 'btf-header' },
    { name: 'header length beyond the section', at: 4, value: 0x80000000, code: 'btf-header' },
    { name: 'block beyond the section', at: 8, value: 0xfffffff0, code: 'bytes-truncated' },
    { name: 'block length that wraps', at: 12, value: 0xfffffffc, code: 'bytes-truncated' },
    { name: 'block of 2 bytes', at: 12, value: 2, code: 'btf-ext-truncated' },
    { name: 'block that ends in a section header', at: 12, value: 8, code: 'btf-ext-truncated' },
    { name: 'block that ends in a record', at: 12, value: 16, code: 'btf-ext-truncated' },
    { name: 'record size 0', at: 32, value: 0, code: 'btf-ext-record-size' },
    { name: 'record size below the minimum', at: 32, value: 4, code: 'btf-ext-record-size' },
    { name: 'record size not a multiple of 4', at: 32, value: 9, code: 'btf-ext-record-size' },
    { name: 'record size of 4 GiB', at: 32, value: 0xfffffffc, code: 'btf-ext-truncated' },
    { name: 'section name outside', at: 36, value: 0x7fffffff, code: 'btf-string-offset' },
    { name: 'number of records of 2^32 - 1', at: 40, value: 0xffffffff, code: 'btf-ext-truncated' },
    { name: 'offset inside an instruction', at: 44, value: 4, code: 'btf-ext-insn-offset' },
    { name: 'function type out of range', at: 48, value: 99, code: 'btf-type-id' },
    { name: 'function type that is none', at: 48, value: 5, code: 'btf-ext-func-type' },
    { name: 'line with a file name outside', at: 84, value: 0xffff, code: 'btf-string-offset' },
    { name: 'CO-RE type 0', at: 128, value: 0, code: 'btf-type-id' },
    { name: 'CO-RE type that is a function', at: 128, value: 3, code: 'btf-core-type' },
    { name: 'CO-RE access that is a name', at: 132, value: 1, code: 'btf-core-access' },
    { name: 'CO-RE kind 13', at: 136, value: 13, code: 'btf-core-kind' },
  ];

  test.for(BROKEN)('$name', ({ at, value, code }) => {
    const copy = bytes.slice();
    new DataView(copy.buffer).setUint32(at, value, true);
    const error = errorOf(() => parse(copy));
    expect(error.message && error.code).toBe(code);
    expect(error.problems[0]?.where[0]).toBe('section ".BTF.ext"');
  });

  const deep = (depth: number): string => Array(depth).fill('0').join(':');
  test.for(['', ':', '0:', ':0', '0::1', '-1', '0:-1', '1 ', '0x1', '1234567890', deep(65), '٣'])(
    'CO-RE access %j',
    access => {
      const ext = { ...RECORDS, core: [{ section: 'xdp', byteOffset: 8, type: 5, access, kind: 0 }] };
      const { btf: types, ext: section } = encodeBtfWithExt(btf, ext, 'little');
      const parsed = parseBtf(types, 'little');
      const error = errorOf(() => parseBtfExt(section ?? new Uint8Array(0), 'little', parsed));
      expect(error.code).toBe('btf-core-access');
    },
  );

  test('but the longest access that kernels take is accepted', () => {
    const core = [{ section: 'xdp', byteOffset: 8, type: 5, access: deep(64), kind: 0 }];
    const { btf: types, ext } = encodeBtfWithExt(btf, { funcs: [], lines: [], core }, 'big');
    expect(parseBtfExt(ext ?? new Uint8Array(0), 'big', parseBtf(types, 'big')).core).toEqual(core);
  });

  test('cut anywhere', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(errorOf(() => parse(bytes.subarray(0, length))).code, `${length} bytes`).toMatch(
        /^(btf-header|bytes-truncated)$/,
      );
    }
  });
});

needs('clang').test('what clang writes is read', () => {
  const source = `
    struct s { int a, b[4]; } __attribute__((preserve_access_index));
    static __attribute__((noinline)) int get(struct s *s) { return s->b[2]; }
    __attribute__((section("xdp"), used)) int prog(struct s *s) { return get(s) + s->a; }
  `;
  withDirectory(directory => {
    const file = compile(directory, 'records', source);
    const types = parseBtf(sectionOfObject(file, '.BTF'), 'little');
    const ext = parseBtfExt(sectionOfObject(file, '.BTF.ext'), 'little', types);
    const names = ext.funcs.map(info => `${info.section}+${info.byteOffset} ${types.nameOf(info.type)}`);
    expect(names.sort()).toEqual(['.text+0 get', 'xdp+0 prog']);
    const accesses = ext.core.map(relo => `${relo.section} ${types.nameOf(relo.type)} ${relo.access}`);
    expect(accesses.sort()).toEqual(['.text s 0:1:2', 'xdp s 0:0']);
    const lines = ext.lines.flatMap(part => [...part.lines]);
    expect(lines.every(line => line.file.endsWith('records.c') && line.line >= 3)).toBe(true);
    expect(lines.some(line => line.text.includes('return s->b[2];'))).toBe(true);
  });
});
