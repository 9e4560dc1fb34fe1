import { describe, expect, test } from 'vitest';
import { parseSetting, parseSettings, splitPair } from './set-values.ts';

describe('--set', () => {
  const values: readonly (readonly [string, unknown])[] = [
    ['5', 5n],
    ['+5', 5n],
    ['-5', -5n],
    ['18446744073709551615', 18446744073709551615n],
    ['0x1f', 31n],
    ['-0x10', -16n],
    ['0b101', 5n],
    ['1.5', 1.5],
    ['-.5e3', -500],
    ['true', true],
    ['false', false],
    ['[1, 2]', [1, 2]],
    ['{"a": 1}', { a: 1 }],
    ['"5"', '5'],
    ['RED', 'RED'],
    ['', ''],
    ['0x', '0x'],
    ['1e5', '1e5'],
  ];
  test.each(values)('%j', (text, value) => {
    expect(parseSetting(text)).toEqual(value);
  });

  test('the last value of a name counts; values may hold "="', () => {
    expect([...parseSettings(['a=1', 'b=x=y', 'a=2'])]).toEqual([
      ['a', 2n],
      ['b', 'x=y'],
    ]);
  });

  test.each(['limit', '=5', ''])('%j is refused', word => {
    expect(() => splitPair(word, '--set', 'NAME=VALUE')).toThrow(
      expect.objectContaining({ code: 'usage-set' }),
    );
  });

  test('broken lists are refused', () => {
    expect(() => parseSetting('[1')).toThrow(expect.objectContaining({ code: 'value-literal' }));
  });
});
