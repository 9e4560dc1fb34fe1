import { expect, test } from 'vitest';
import type { OptimizeSetting } from '../load/optimized/setting.ts';
import { decodeEntryState, encodeEntryState } from './record.ts';

const NOTHING = { states: new Map(), settings: new Map() };

test.each<OptimizeSetting>([
  { level: 0 },
  { level: 1 },
  { level: 1, inline: 'members', noInline: ['parse'], verifyBudget: true },
])('%j is read as it was written', optimize => {
  const data = encodeEntryState({ ...NOTHING, optimize, optimized: 'single' });
  expect(decodeEntryState(data)).toEqual({ ...NOTHING, optimize, optimized: 'single' });
});

test('an entry without a setting has none', () => {
  expect(decodeEntryState(encodeEntryState(NOTHING))).toEqual(NOTHING);
});

test('damaged records are refused', () => {
  const data = encodeEntryState(NOTHING);
  expect(() => decodeEntryState({ ...data, optimized: 'most' })).toThrow(/optimization in the record/);
  expect(() => decodeEntryState({ ...data, optimize: { level: 1 } })).toThrow(/optimization in the record/);
});
