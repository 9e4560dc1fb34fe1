import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { encodeBtf } from '../../btf/binary/encode.ts';
import { parseBtf } from '../../btf/binary/parse.ts';
import { BtfBuilder } from '../../btf/model/builder.ts';
import { toRaw } from '../../btf/model/to-raw.ts';
import type { BtfType } from '../../btf/model/types.ts';
import { useCompiled } from '../../image/form.ts';
import { compiledForTests } from '../../image/testing.ts';
import { Mapping, type Sys, type SyscallName } from '../../kernel/sys/sys.ts';
import { kernelForTests } from '../../kernel/testing.ts';
import { HOST_ORDER } from '../../kernel/uapi/attr.ts';
import { ENOSYS } from '../../uapi/errno.ts';
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

const VMLINUX = '/sys/kernel/btf/vmlinux';
const { sys: kernel, reason } = kernelForTests();
const { wasm, script } = compiledForTests();

/** The same kernel, which lacks or refuses some calls. */
function without(sys: Sys, ...refused: SyscallName[]): Sys & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    addressOf: bytes => sys.addressOf(bytes),
    view: (address, length) => sys.view(address, length),
    poll: (fd, ready) => sys.poll(fd, ready),
    syscall: (name, ...args) => {
      const result = refused.includes(name) ? -ENOSYS : sys.syscall(name, ...args);
      calls.push(result < 0 ? `${name} failed` : name);
      return result;
    },
  };
}

/** How often the file is mapped into this process. */
function mappings(): number {
  return readFileSync('/proc/self/maps', 'utf8').split(VMLINUX).length - 1;
}

describe.skipIf(kernel === undefined || !existsSync(VMLINUX))(
  `types of the running kernel${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    const given = (): Sys => kernel ?? expect.fail(reason);
    let restore: (() => void) | undefined;
    afterEach(() => restore?.());
    /** What is not to be freed between two counts of mappings. */
    const held: unknown[] = [];

    test.each<readonly [string, 'js' | 'wasm', readonly SyscallName[], readonly string[]]>([
      ['mapped over the image', 'wasm', [], ['mmap', 'mremap']],
      ['copied where they do not move', 'wasm', ['mremap'], ['mmap', 'mremap failed', 'munmap']],
      ['read where they are not mapped', 'wasm', ['mmap'], ['mmap failed']],
      ['copied where kernels are JavaScript', 'js', [], ['mmap', 'munmap']],
      ['read where they are neither', 'js', ['mmap'], ['mmap failed']],
    ])('are the same %s (%s)', (_, choice, refused, calls) => {
      restore = useCompiled(choice === 'wasm' ? { wasm, script: null } : { wasm: null, script }, choice);
      const before = mappings();
      const sys = without(given(), ...refused);
      const { types } = openKernelTypes(sys, VMLINUX).vmlinux();
      held.push(types);
      expect(sys.calls).toEqual(calls);
      expect(mappings() - before).toBe(calls.includes('mremap') ? 1 : 0);
      const { words, strings, count } = types.btf;
      const [typeBytes, stringBytes] = [words.byteLength, strings.length];
      const bytes = readFileSync(VMLINUX);
      const length = bytes.readUInt32LE(4);
      expect(
        bytes.compare(
          new Uint8Array(words.buffer, words.byteOffset, typeBytes),
          0,
          typeBytes,
          length,
          length + typeBytes,
        ),
      ).toBe(0);
      expect(bytes.compare(strings, 0, stringBytes, bytes.length - stringBytes)).toBe(0);
      const [task] = types.exact('task_struct', 4);
      expect(task).toBeLessThan(count);
      expect(types.memberPath(task ?? 0, 'pid', 63)).toHaveLength(1);
    });

    test('are no longer mapped after an error', () => {
      restore = useCompiled({ wasm, script: null }, 'wasm');
      const before = mappings();
      const sys = without(given());
      const failing: Sys = {
        ...sys,
        addressOf: () => {
          throw new Error('no address');
        },
      };
      expect(() => openKernelTypes(failing, VMLINUX).vmlinux()).toThrow('no address');
      expect(sys.calls).toEqual(['mmap', 'munmap']);
      expect(mappings()).toBe(before);
    });

    test('a mapping that was moved is what is at the new place, and no longer unmapped', () => {
      const fd = openSync(process.execPath, 'r');
      const page = 4096;
      const sys = without(given());
      const [from, to] = [0, page].map(offset => Mapping.map(sys, fd, page, 'private', offset));
      closeSync(fd);
      if (!(from instanceof Mapping) || !(to instanceof Mapping)) return expect.fail('not mapped');
      const contents = from.bytes.slice();
      expect(to.bytes).not.toEqual(contents);
      expect(from.moveTo(sys.addressOf(to.bytes) + 1n)).toBe(false);
      expect(from.bytes).toEqual(contents);
      expect(from.moveTo(sys.addressOf(to.bytes))).toBe(true);
      from.close();
      expect([from.bytes.length, to.bytes]).toEqual([0, contents]);
      to.close();
      expect(sys.calls).toEqual(['mmap', 'mmap', 'mremap failed', 'mremap', 'munmap']);
    });
  },
);
