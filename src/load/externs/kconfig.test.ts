import { expect, test } from 'vitest';
import { BtfBuilder } from '../../btf/model/builder.ts';
import type { Btf, BtfType } from '../../btf/model/types.ts';
import { LIMITS } from '../../diag/limits.ts';
import {
  cutNote,
  findInConfig,
  type KconfigType,
  kconfigTooLarge,
  kconfigTypeOf,
  kconfigValue,
} from '../../object/analysis/kconfig.ts';
import { findAddresses } from './kernel-facts.ts';
import { kernelVersionCode } from './kernel-version.ts';

const int = (size: number, signed: boolean, bool = false): BtfType => ({
  kind: 'int',
  name: 't',
  size,
  bits: size * 8,
  bitOffset: 0,
  signed,
  char: false,
  bool,
});

function typed(...types: BtfType[]): Btf {
  const builder = new BtfBuilder();
  for (const type of types) builder.add(type);
  return builder.build();
}

const BOOL: KconfigType = { kind: 'bool', size: 1, signed: false };
const CHAR: KconfigType = { kind: 'char', size: 1, signed: true };
const TRISTATE: KconfigType = { kind: 'tristate', size: 4, signed: false };
const TEXT: KconfigType = { kind: 'text', size: 5, signed: false };
const numeric = (size: number, signed: boolean): KconfigType => ({ kind: 'int', size, signed });

test.each([
  ['bool y', BOOL, 'y', [1]],
  ['bool n', BOOL, 'n', [0]],
  ['char m', CHAR, 'm', [0x6d]],
  ['char number', CHAR, '-128', [0x80]],
  ['tristate m', TRISTATE, 'm', [2, 0, 0, 0]],
  ['text', TEXT, '"abc"', [0x61, 0x62, 0x63, 0, 0]],
  ['text that is too long keeps its NUL', TEXT, '"abcdefgh"', [0x61, 0x62, 0x63, 0x64, 0]],
  ['empty text', TEXT, '""', [0, 0, 0, 0, 0]],
  ['decimal', numeric(4, true), '250', [250, 0, 0, 0]],
  ['hexadecimal', numeric(8, false), '0xffffffff81000000', [0, 0, 0, 0x81, 255, 255, 255, 255]],
  ['octal', numeric(2, false), '010', [8, 0]],
  ['negative', numeric(2, true), '-2', [0xfe, 0xff]],
])('%s', (_, type, text, bytes) => {
  expect([...kconfigValue('CONFIG_X', type, text, 'little')]).toEqual(bytes);
});

test('big-endian objects get big-endian values', () => {
  expect([...kconfigValue('CONFIG_X', numeric(4, false), '258', 'big')]).toEqual([0, 0, 1, 2]);
});

test.each([
  ['a module for a bool', BOOL, 'm'],
  ['a choice for an int', numeric(4, true), 'y'],
  ['a text for an int', numeric(4, true), '"x"'],
  ['a number for a text', TEXT, '5'],
  ['a number for a tristate', TRISTATE, '5'],
  ['too large', numeric(2, false), '65536'],
  ['too large with a sign', numeric(2, true), '32768'],
  ['negative without a sign', numeric(4, false), '-1'],
  ['no number', numeric(4, true), 'maybe'],
  ['nothing', numeric(4, true), ''],
  ['a text without end', TEXT, '"abc'],
  ['2 for a bool', BOOL, '2'],
])('%s is refused', (_, type, text) => {
  expect(() => kconfigValue('CONFIG_X', type, text, 'little')).toThrow(
    expect.objectContaining({ code: 'load-kconfig-value' }),
  );
});

test.each([
  ['_Bool', typed(int(1, false, true)), 1, BOOL],
  ['char', typed(int(1, true)), 1, CHAR],
  ['unsigned short', typed(int(2, false)), 1, numeric(2, false)],
  [
    'const typedef of long',
    typed(int(8, true), { kind: 'typedef', name: 'l', type: 1 }, { kind: 'const', type: 2 }),
    3,
    numeric(8, true),
  ],
  [
    'tristate',
    typed({ kind: 'enum', name: 'libbpf_tristate', size: 4, signed: false, values: [] }),
    1,
    TRISTATE,
  ],
  ['another enum', typed({ kind: 'enum', name: 'e', size: 4, signed: false, values: [] }), 1, undefined],
  [
    'char[5]',
    typed(int(1, true), int(4, false), { kind: 'array', element: 1, index: 2, length: 5 }),
    3,
    TEXT,
  ],
  [
    'int[5]',
    typed(int(4, true), int(4, false), { kind: 'array', element: 1, index: 2, length: 5 }),
    3,
    undefined,
  ],
  ['a bool of 4 bytes', typed(int(4, false, true)), 1, undefined],
  ['__int128', typed(int(16, true)), 1, undefined],
  ['void', typed(), 0, undefined],
])('type %s', (_, btf, id, expected) => {
  expect(kconfigTypeOf(btf, id)).toEqual(expected);
});

test('the first line of a name counts, comments and unknown names do not', () => {
  const text = '# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_B=n\nCONFIG_C="a=b"\nXCONFIG_D=1\nCONFIG_E\n';
  const wanted = new Set(['CONFIG_A', 'CONFIG_B', 'CONFIG_C', 'CONFIG_D', 'CONFIG_E']);
  expect([...findInConfig(text, wanted)]).toEqual([
    ['CONFIG_B', 'y'],
    ['CONFIG_C', '"a=b"'],
  ]);
});

test('addresses of symbols, with modules, LLVM suffixes and doubles', () => {
  const text =
    'ffff0001 T one\nffff0002 d two.llvm.123\nffff0003 t three.llvm.9\nffff0004 t four\t[mod]\nffff0005 t twice\nffff0006 t twice\nffff0006 t twice\n';
  const found = findAddresses(text, new Set(['one', 'two', 'three', 'four', 'twice', 'none']));
  expect([...found]).toEqual([
    ['one', [0xffff0001n]],
    ['two', [0xffff0002n]],
    ['four', [0xffff0004n]],
    ['twice', [0xffff0005n, 0xffff0006n]],
  ]);
});

test.each([
  ['6.18.44-fc', '#1 SMP', '', 0x06122c],
  ['6.1.0-37-amd64', '#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)', '', 0x06018c],
  ['5.15.0-139-generic', '#149-Ubuntu SMP', 'Ubuntu 5.15.0-139.149-generic 5.15.179', 0x050fb3],
  ['4.4.302', '', '', 0x0404ff],
  ['strange', '', '', 0],
])('release %s, version %s, signature %j', (release, version, signature, code) => {
  expect(kernelVersionCode(release, version, signature)).toBe(code);
});

test.each([
  ['fits', 'abcd', undefined],
  [
    'is cut by its NUL',
    'abcde',
    'kconfig "CONFIG_X": "abcde" has 5 bytes and is cut to 4: its variable is char[5]',
  ],
  ['in bytes', 'aböö', 'kconfig "CONFIG_X": "aböö" has 6 bytes and is cut to 4: its variable is char[5]'],
])('a text that %s', (_, text, note) => {
  expect(cutNote('CONFIG_X', TEXT, `"${text}"`)).toBe(note);
});

test('only texts are cut', () => {
  expect(cutNote('CONFIG_X', BOOL, 'y')).toBeUndefined();
  expect(cutNote('CONFIG_X', { kind: 'text', size: 1, signed: false }, '""')).toBeUndefined();
});

test('too many bytes are refused before they are allocated', () => {
  const small = { name: 'CONFIG_A', size: 64 };
  const large = { name: 'CONFIG_B', size: 0xffffffff };
  const most = LIMITS.kconfig.value;
  const full = [small, { name: 'CONFIG_C', size: most - 64 }];
  expect(kconfigTooLarge('a.o', full, undefined)).toBeUndefined();
  expect(kconfigTooLarge('a.o', full, { kconfig: most - 1 })).toMatchObject({
    hint: 'declare the array no longer than the text, or raise the limit: --limits kconfig=2097150 (option limits)',
  });
  expect(kconfigTooLarge('a.o', [small, large], undefined)).toMatchObject({
    hint: 'declare the array no longer than the text', // no limit is enough
    code: 'load-kconfig-value',
    class: 'input',
    where: ['a.o', 'kconfig "CONFIG_B"'],
    message: expect.stringContaining('takes 4294967295 bytes'),
  });
  const many = Array.from({ length: 1025 }, (_, at) => ({ name: `CONFIG_${at}`, size: 1024 }));
  expect(kconfigTooLarge('a.o', many, undefined)?.where).toEqual(['a.o', 'kconfig "CONFIG_0"']);
  expect(kconfigTooLarge('a.o', many, { kconfig: 1025 * 1024 })).toBeUndefined();
});
