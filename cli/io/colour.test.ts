import { expect, test } from 'vitest';
import { showsColour } from './colour.ts';

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ TERM: 'dumb' }, true, false],
  [{ TERM: 'xterm' }, true, true],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '1', TERM: 'dumb' }, false, true],
  [{ FORCE_COLOR: '0' }, true, false],
  [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
])('%j on a terminal (%j): %j', (env, isTerminal, expected) => {
  expect(showsColour('stdout', env, () => isTerminal)).toBe(expected);
});

test('each stream is asked about itself', () => {
  expect(showsColour('stderr', {}, fd => fd === 2)).toBe(true);
  expect(showsColour('stdout', {}, fd => fd === 2)).toBe(false);
});
