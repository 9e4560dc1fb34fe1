/** The kernel's types are the same however they come into their image, and memory with a mapping is no other image's. */

import { afterEach, describe, expect, test, vi } from 'vitest';
import { useCompiled } from '../../image/form.ts';
import { Image } from '../../image/image.ts';
import type { CompiledKernels } from '../../image/image-memory.ts';
import { compiledForTests } from '../../image/testing.ts';
import { TypeSearch } from '../model/find-types.ts';
import { INT, typesOf } from '../model/testing.ts';
import { toRaw } from '../model/to-raw.ts';
import { encodeBtf } from './encode.ts';
import { parseBtf } from './parse.ts';
import { parseKernelBtf } from './parse-kernel.ts';

const { wasm, script } = compiledForTests();
const FORMS: readonly (readonly [string, CompiledKernels, 'js' | 'wasm'])[] = [
  ['modules', { wasm: null, script: null }, 'js'],
  ['the script', { wasm: null, script }, 'js'],
  ['WebAssembly', { wasm, script: null }, 'wasm'],
];

let restore: (() => void) | undefined;
afterEach(() => restore?.());

const struct = (name: string, size: number) => ({ kind: 'struct' as const, name, size, members: [] });
const BYTES = encodeBtf(typesOf(INT, struct('one', 4), struct('two___old', 8)), 'little');

function sourceOf(bytes: Uint8Array) {
  let at = 0;
  const read = (into: Uint8Array): number => {
    const part = bytes.subarray(at, at + into.length);
    into.set(part);
    at += part.length;
    return part.length;
  };
  return { size: bytes.length, read, close: () => {} };
}

/** As mremap(2) does it: the file is where the pages were. */
const mapOver = (bytes: Uint8Array) =>
  vi.fn((pages: Uint8Array) => {
    pages.set(bytes);
    return true;
  });

describe.each(FORMS)('where kernels run as %s', (_, kernels, choice) => {
  test.each(['read', 'mapped', 'not to be mapped'])('types that are %s are those of the file', how => {
    restore = useCompiled(kernels, choice);
    const over = how === 'mapped' ? mapOver(BYTES) : vi.fn(() => false);
    const btf = parseKernelBtf(sourceOf(BYTES), 'little', how === 'read' ? undefined : over);
    expect(over).toHaveBeenCalledTimes(how !== 'read' && choice === 'wasm' ? 1 : 0);
    const expected = toRaw(parseBtf(BYTES, 'little'));
    for (const part of ['words', 'start', 'strings'] as const) expect(btf[part]).toEqual(expected[part]);
    for (const names of [['one', 'two'], ['two'], ['none']])
      expect(new TypeSearch(btf).types(names)).toEqual(new TypeSearch(expected).types(names));
  });

  test('they stay while other images come and go', () => {
    restore = useCompiled(kernels, choice);
    const btf = parseKernelBtf(sourceOf(BYTES), 'little', mapOver(BYTES));
    const images = Array.from({ length: 12 }, () => new Image());
    for (const image of images) image.intern('something else');
    expect(images.some(image => image.words.buffer === btf.words.buffer)).toBe(false);
    expect(new TypeSearch(btf).types(['two']).get('two')).toEqual([3]);
    expect(btf.nameOf(2)).toBe('one');
  });
});

const fail = (): never => {
  throw new Error('interrupted');
};

test.each([
  ['has no types', BYTES.with(0, 0), mapOver(BYTES.with(0, 0))],
  ['fails while it is mapped', BYTES, vi.fn(fail)],
])('memory over which something was mapped that %s is no other image’s', (_what, bytes, over) => {
  restore = useCompiled({ wasm, script: null }, 'wasm');
  let buffer: ArrayBufferLike | undefined;
  const seen = (pages: Uint8Array): boolean => {
    buffer = pages.buffer;
    return over(pages);
  };
  expect(() => parseKernelBtf(sourceOf(bytes), 'little', seen)).toThrow();
  expect(buffer?.byteLength).toBeGreaterThan(0);
  const images = Array.from({ length: 12 }, () => new Image());
  expect(images.some(image => image.words.buffer === buffer)).toBe(false);
});

test.each([0, 2, 3, 4, 8, 12, 16, 20, 24 + 7, BYTES.length - 1])('a wrong byte %s is refused', at => {
  expect(() => parseKernelBtf(sourceOf(BYTES.with(at, 0x7f)), 'little')).toThrow(/section "\.BTF"/);
  expect(() => parseKernelBtf(sourceOf(BYTES.subarray(0, at)), 'little')).toThrow(/section "\.BTF"/);
});
