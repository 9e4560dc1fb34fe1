import { expect, test } from 'vitest';
import { available, didYouMean, nearestNames, suggestion } from './suggest.ts';

test('two similar names at most, the nearest first, then by name', () => {
  expect(nearestNames('count', ['counts', 'mount', 'cant', 'other', 'count_all'])).toEqual([
    'counts',
    'mount',
  ]);
  expect(nearestNames('x', ['y', 'xy', 'xyz'])).toEqual(['xy', 'y']);
  expect(nearestNames('count', ['packets'])).toEqual([]);
  expect(nearestNames('xpd', ['xdp'])).toEqual(['xdp']);
  expect(nearestNames('abcd', ['cdab'])).toEqual([]);
  expect(nearestNames('ca', ['abc'])).toEqual([]);
});

test('a hint names what is similar, or says what else there is to say', () => {
  expect(didYouMean('fob', ['foo', 'bar'])).toEqual({ hint: 'did you mean "foo"?' });
  expect(didYouMean('fob', new Set(['packets']))).toEqual({});
  expect(didYouMean('fob', ['packets'], 'it defines: "packets"')).toEqual({ hint: 'it defines: "packets"' });
  expect(suggestion([])).toBeUndefined();
  expect(suggestion(['a', 'b'])).toBe('did you mean "a" or "b"?');
});

test('names that exist are quoted and printable; "none" without any', () => {
  expect(available('there are', ['a', 'b\n'])).toBe('there are: "a", "b\\n"');
  expect(available('it has', [])).toBe('it has none');
});
