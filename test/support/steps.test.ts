import { expect, test } from 'vitest';
import { stepsOfToday } from './steps.ts';

test('after as many days as the stride every step was taken', () => {
  const { stride, all } = stepsOfToday(5, 7, 0);
  if (all) return;
  const days = Array.from({ length: stride }, (_, day) => stepsOfToday(5, 7, day * 86_400_000).first);
  const wanted = Array.from({ length: stride }, (_, at) => at + 1);
  if (process.env['ROOTLET_TEST_FIRST_STEP'] === undefined) expect(days).toEqual(wanted);
});
