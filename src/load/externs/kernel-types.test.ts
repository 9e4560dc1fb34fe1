import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeBtf } from '../../btf/binary/encode.ts';
import { parseBtf } from '../../btf/binary/parse.ts';
import { BtfBuilder } from '../../btf/model/builder.ts';
import { toRaw } from '../../btf/model/to-raw.ts';
import type { BtfType } from '../../btf/model/types.ts';
import { HOST_ORDER } from '../../kernel/uapi/attr.ts';
import { joinSplitBtf, openKernelTypes } from './kernel-types.ts';

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
const BASE: readonly BtfType[] = [
  INT,
  { kind: 'struct', name: 'base', size: 4, members: [{ name: 'a', type: 1, bitOffset: 0, bitSize: 0 }] },
];
const MODULE: readonly BtfType[] = [
  { kind: 'ptr', type: 2 },
  { kind: 'typedef', name: 'of_module', type: 3 },
];

function encode(types: readonly BtfType[]): Uint8Array {
  const builder = new BtfBuilder();
  for (const type of types) builder.add(type);
  return encodeBtf(builder.build(), HOST_ORDER);
}

/** What a module has: the types and strings of `whole` that `base` has not. */
function splitOff(base: Uint8Array, whole: Uint8Array): Uint8Array {
  const header = whole.slice(0, 24);
  const read = (bytes: Uint8Array, at: number) =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, HOST_ORDER === 'little');
  const types = whole.subarray(24 + read(base, 12), 24 + read(whole, 12));
  const strings = whole.subarray(24 + read(whole, 16) + read(base, 20));
  const view = new DataView(header.buffer);
  [0, types.length, types.length, strings.length].forEach((value, index) => {
    view.setUint32(8 + index * 4, value, HOST_ORDER === 'little');
  });
  return Uint8Array.from([...header, ...types, ...strings]);
}

test('a module continues the ids and strings of the kernel', () => {
  const base = encode(BASE);
  const split = splitOff(base, encode([...BASE, ...MODULE]));
  const joined = parseBtf(joinSplitBtf(toRaw(parseBtf(base, HOST_ORDER)), split), HOST_ORDER);
  expect(Array.from({ length: joined.count }, (_, i) => joined.type(i + 1))).toEqual([...BASE, ...MODULE]);
});

test('a truncated module is an input error', () => {
  expect(() => joinSplitBtf(toRaw(parseBtf(encode(BASE), HOST_ORDER)), new Uint8Array(10))).toThrow(
    expect.objectContaining({ code: 'btf-truncated' }),
  );
});

test('types that are nowhere are a platform error that says where they were looked for', () => {
  expect(() => openKernelTypes(null, '/nonexistent/vmlinux').vmlinux()).toThrow(
    expect.objectContaining({
      code: 'kernel-no-btf',
      problems: [
        expect.objectContaining({
          class: 'platform',
          details: ['/nonexistent/vmlinux'],
          hint: expect.stringContaining('--btf FILE'),
        }),
      ],
    }),
  );
});

test.skipIf(!existsSync('/sys/kernel/btf/vmlinux'))(
  'the running kernel (needs CONFIG_DEBUG_INFO_BTF)',
  () => {
    const types = openKernelTypes(null);
    const { types: finder } = types.vmlinux();
    expect(finder.exact('task_struct', 4)).toHaveLength(1);
    expect(types.vmlinux()).toBe(types.vmlinux());
    expect(types.modules('task_struct')).toEqual([]);
  },
);
