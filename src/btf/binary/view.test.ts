/** Views of types agree with what the kernels read, and nothing that they refuse has one. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { INT, typesOf } from '../model/testing.ts';
import { encodeBtf } from './encode.ts';
import { parseKernelBtf } from './parse.ts';
import { viewTypes } from './view.ts';

/** The same bytes where no view of them is possible. */
function unaligned(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length + 1).subarray(1);
  copy.set(bytes);
  return copy;
}

const VMLINUX = '/sys/kernel/btf/vmlinux';

test.skipIf(!existsSync(VMLINUX))('a view of the kernel has the types that reading finds', () => {
  const bytes = new Uint8Array(readFileSync(VMLINUX));
  const viewed = viewTypes(bytes, 'little');
  expect(viewTypes(unaligned(bytes), 'little')).toBeUndefined();
  const read = parseKernelBtf(unaligned(bytes), 'little');
  expect(viewed?.count).toBe(read.count);
  for (const part of ['words', 'start', 'strings'] as const) {
    expect(viewed?.[part].every((value, n) => value === read[part][n])).toBe(true);
  }
});

describe('what is not as expected has no view', () => {
  test.each([
    ['magic', 0],
    ['version', 2],
    ['flags', 3],
    ['header length', 4],
    ['offset of types', 8],
    ['size of types', 12],
    ['offset of strings', 16],
    ['size of strings', 20],
    ['kind of the type', 24 + 7],
    ['first string', 24 + 16],
  ])('%s', (_, at) => {
    const bytes = Uint8Array.from(encodeBtf(typesOf(INT), 'little'));
    expect(viewTypes(bytes, 'little')?.count).toBe(1);
    expect(viewTypes(bytes, 'big')).toBeUndefined();
    expect(viewTypes(bytes.subarray(0, -1), 'little')).toBeUndefined();
    bytes[at] = 0x7f;
    expect(viewTypes(bytes, 'little')).toBeUndefined();
    expect(() => parseKernelBtf(bytes, 'little')).toThrow(/section "\.BTF"/);
  });
});
