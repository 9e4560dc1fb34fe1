import { expect, test } from 'vitest';
import { scaled } from './scaled.ts';

test.each([
  [0, '0'],
  [7, '7'],
  [1.5, '1.50'],
  [999, '999'],
  [999.6, '1.00k'],
  [1234, '1.23k'],
  [14_880_952, '14.9M'],
  [2.5e15, '2500T'],
])('%d is %s', (value, text) => {
  expect(scaled(value)).toBe(text);
});
