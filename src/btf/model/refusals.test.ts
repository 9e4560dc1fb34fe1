/** Types that are too deep or too large, made by hand. */

import { expect, test } from 'vitest';
import { encodeValue } from '../values/write.ts';
import { BtfBuilder } from './builder.ts';
import { sizeOfType, skipModifiers } from './size.ts';
import type { BtfType } from './types.ts';

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

/** `count` types, each of the one before; the first is an int. */
function nested(count: number, next: (type: number, index: number) => BtfType) {
  const builder = new BtfBuilder();
  const int = builder.add(INT);
  let id = int;
  for (let at = 0; at < count; at++) id = builder.add(next(id, int));
  return { btf: builder.build(), id };
}

test.each<readonly [string, number, (type: number, index: number) => BtfType]>([
  ['btf-modifier-chain', 64, type => ({ kind: 'const', type })],
  ['btf-array-depth', 64, (element, index) => ({ kind: 'array', element, index, length: 1 })],
  ['btf-size-overflow', 3, (element, index) => ({ kind: 'array', element, index, length: 1024 })],
])('%s: one more than is allowed', (code, most, next) => {
  const fits = nested(most - 1, next);
  expect(sizeOfType(fits.btf, fits.id)).toBeGreaterThanOrEqual(4);
  const over = nested(most, next);
  expect(() => sizeOfType(over.btf, over.id)).toThrow(expect.objectContaining({ code }));
});

test('void behind modifiers', () => {
  const builder = new BtfBuilder();
  const id = builder.add({ kind: 'const', type: 0 });
  const btf = builder.build();
  expect(skipModifiers(btf, id)).toBe(0);
  expect(() => sizeOfType(btf, id)).toThrow(expect.objectContaining({ code: 'btf-no-size' }));
});

test('value-type: a floating point number of a size that no value has', () => {
  const write = (size: number) => {
    const builder = new BtfBuilder();
    const id = builder.add({ kind: 'float', name: 'f', size });
    return () => encodeValue({ btf: builder.build(), order: 'little' }, id, 1.5, new Uint8Array(16));
  };
  expect(write(8)).not.toThrow();
  expect(write(16)).toThrow(expect.objectContaining({ code: 'value-type' }));
});
