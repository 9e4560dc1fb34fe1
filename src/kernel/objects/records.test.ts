import { expect, test } from 'vitest';
import { Pending } from './pending.ts';
import { decodeAll } from './records.ts';

test('no record is lost to one that cannot be decoded', () => {
  const pending = new Pending<number>();
  const decode = (record: number): string => {
    if (record === 3) throw new Error('no value');
    return String(record);
  };
  pending.put([6]); // what a limit left
  expect(decodeAll([1, 2, 3, 4, 5], decode, pending)).toEqual(['1', '2']);
  expect(() => decodeAll(pending.takeAll(), decode, pending)).toThrow('no value');
  expect(decodeAll(pending.takeAll(), decode, pending)).toEqual(['4', '5', '6']);
  expect(pending.isEmpty).toBe(true);
});
