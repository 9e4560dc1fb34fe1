/**
 * Types of the running kernel by each way to have them: mapped, copied, read. Not in the virtual machine, whose kernels map
 * no types, and where compiling the kernels of the image takes minutes.
 */

import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { useCompiled } from '../../image/form.ts';
import { compiledForTests } from '../../image/testing.ts';
import { Mapping, type Sys, type SyscallName } from '../../kernel/sys/sys.ts';
import { kernelForTests } from '../../kernel/testing.ts';
import { ENOSYS } from '../../uapi/errno.ts';
import { openKernelTypes } from './kernel-types.ts';

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

/** Since Linux 6.16. */
function canMapTypes(sys: Sys): boolean {
  const fd = openSync(VMLINUX, 'r');
  const mapped = Mapping.map(sys, fd, 1, 'private', 0);
  closeSync(fd);
  if (mapped instanceof Mapping) mapped.close();
  return mapped instanceof Mapping;
}

/** How often the file is mapped into this process. */
function mappings(): number {
  return readFileSync('/proc/self/maps', 'utf8').split(VMLINUX).length - 1;
}

function reasonAgainst(): string | undefined {
  if (kernel === undefined) return reason;
  if (!existsSync(VMLINUX)) return 'this kernel shows no BTF of its own';
  return canMapTypes(kernel) ? undefined : 'this kernel is older than 6.16';
}

const against = reasonAgainst();

describe.skipIf(against !== undefined)(
  `types of the running kernel${against === undefined ? '' : ` (${against})`}`,
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
