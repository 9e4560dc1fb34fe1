import { describe, expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import { type GlobalPlace, untypedBytes, writeGlobal } from './globals.ts';

const global = (size: number): GlobalPlace => ({
  name: 'v',
  section: '.data',
  offset: 2,
  size,
  type: 0,
});

describe('a variable without a type', () => {
  test('takes whole numbers of its size, in the byte order of the object', () => {
    expect(untypedBytes(0x1234, 2, 'little')).toEqual(Uint8Array.of(0x34, 0x12));
    expect(untypedBytes(0x1234, 2, 'big')).toEqual(Uint8Array.of(0x12, 0x34));
    expect(untypedBytes(-1, 4, 'big')).toEqual(new Uint8Array(4).fill(255));
    expect(untypedBytes(255, 1, 'little')).toEqual(Uint8Array.of(255));
    expect(untypedBytes(2n ** 64n - 1n, 8, 'big')).toEqual(new Uint8Array(8).fill(255));
  });

  test('takes nothing else', () => {
    for (const [value, size] of [
      [256, 1],
      [-129, 1],
      [1.5, 4],
      ['1', 4],
      [true, 1],
      [2n ** 64n, 8],
      [1, 3],
      [1, 16],
    ] as const)
      expect(untypedBytes(value, size, 'little'), `${value} in ${size}`).toBeUndefined();
  });

  test('is written at its place, and a value that does not fit is refused', () => {
    const bytes = new Uint8Array(8);
    writeGlobal(global(4), null, 'little', 5, bytes);
    expect(bytes).toEqual(Uint8Array.of(0, 0, 5, 0, 0, 0, 0, 0));
    writeGlobal(global(3), null, 'little', Uint8Array.of(1, 2, 3), bytes);
    expect(bytes).toEqual(Uint8Array.of(0, 0, 1, 2, 3, 0, 0, 0));
    const message = (size: number): string => {
      try {
        writeGlobal(global(size), null, 'little', 'text', new Uint8Array(32));
      } catch (error) {
        if (error instanceof RootletError) return error.message;
      }
      return '';
    };
    expect(message(4)).toBe('has no BTF, so its value is a whole number of 4 bytes, or exactly 4 bytes');
    expect(message(12)).toBe('has no BTF, so its value is exactly 12 bytes');
  });
});
