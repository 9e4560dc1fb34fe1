import { expect, test } from 'vitest';
import { withLazy } from './lazy.ts';

test('properties are made once, when they are needed', () => {
  let made = 0;
  const list = withLazy({ name: 'a' }, { numbers: () => [++made], other: () => 'b' });
  expect(made).toBe(0);
  expect(Object.keys(list)).toEqual(['name', 'numbers', 'other']);
  expect([list.numbers, list.numbers, made]).toEqual([[1], [1], 1]);
  expect(list.numbers).toBe(list.numbers);
});

test('a copy has all of them', () => {
  const copy = { ...withLazy({ name: 'a' }, { numbers: () => [1] }) };
  expect(Object.getOwnPropertyDescriptor(copy, 'numbers')?.value).toEqual([1]);
  expect(copy).toEqual({ name: 'a', numbers: [1] });
});
