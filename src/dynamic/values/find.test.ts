import { expect, test } from 'vitest';
import { valueText } from '../../btf/values/text.ts';
import type { DecodedValue } from '../../btf/values/tree.ts';
import { pathOf, pathText } from './find.ts';
import { partOf } from './read.ts';

test.each([
  ['', []],
  ['.limit', ['limit']],
  ['.cfg[3].in[0x10]', ['cfg', 3, 'in', 16]],
  ['[0]', [0]],
])('%s is a path', (text, path) => {
  expect(pathOf(text)).toEqual(path);
});

test.each(['limit', '.', '.1', '[', '[]', '[-1]', '[x]', '.a b', '.a..b', '[9999999999999999]'])(
  '%s is not a path',
  text => {
    expect(pathOf(text)).toBeUndefined();
  },
);

test('a path is written as it is read', () => {
  expect(pathText(['cfg', 3, 'in', 16])).toBe('.cfg[3].in[16]');
});

const VALUE: DecodedValue = {
  kind: 'fields',
  fields: [{ name: 'list', value: { kind: 'array', items: [{ kind: 'int', value: 7n }] } }],
};

test('parts of values', () => {
  expect(valueText(partOf('cfg', VALUE, ['list', 0]))).toBe('7');
  expect(partOf('cfg', VALUE, [])).toBe(VALUE);
});

test.each<readonly [readonly (string | number)[], string, string]>([
  [['last'], '"cfg" has no member "last"', 'its members are list'],
  [['list', 1], '"cfg.list" has no element 1', 'it has 1 element'],
  [['list', 0, 'x'], '"cfg.list[0]" has no member "x"', 'it is neither a structure nor an array'],
  [[0], '"cfg" has no element 0', 'its members are list'],
])('%j is refused', (path, message, hint) => {
  expect(() => partOf('cfg', VALUE, path)).toThrow(
    expect.objectContaining({
      problems: [
        expect.objectContaining({ code: 'value-unknown', message, hint: expect.stringContaining(hint) }),
      ],
    }),
  );
});
