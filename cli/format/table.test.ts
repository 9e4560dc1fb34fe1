/** Tables of commands: widths, what is escaped, and spaces at the ends of lines. */

import { expect, test } from 'vitest';
import { table } from './table.ts';

test('columns are as wide as their widest cell, the last one is not padded', () => {
  const rows = [
    ['a', 'bb', 'c'],
    ['aaa', 'b', 'ccc'],
  ];
  expect(table(rows)).toBe('a    bb  c\naaa  b   ccc');
  expect(table(rows, '  ', [1])).toBe('  a    bb  c\n  aaa   b  ccc');
});

test('no line ends in spaces, whatever its last cells are', () => {
  expect(
    table([
      ['a', ''],
      ['aa', 'b '],
      ['', ' '],
      ['aaa', 'b\u00a0'],
    ]),
  ).toBe('a\naa   b\n\naaa  b');
  expect(table([[], ['a']])).toBe('\na');
  expect(table([])).toBe('');
});

test('what is escaped counts for the width, and is not taken for space', () => {
  expect(
    table([
      ['\u001b', 'x'],
      ['a', 'y'],
    ]),
  ).toBe('\\x1b  x\na     y');
  expect(
    table([
      ['a', 'b\u2028'],
      ['a', 'b\r'],
    ]),
  ).toBe('a  b\\u2028\na  b\\x0d');
});

test('many rows are one table', () => {
  const rows = Array.from({ length: 1000 }, (_, index) => [`${index}`, 'x']);
  const lines = table(rows).split('\n');
  expect(lines).toHaveLength(1000);
  expect(lines[0]).toBe('0    x');
  expect(lines[999]).toBe('999  x');
  rows[700] = ['\u0001', 'x'];
  expect(table(rows).split('\n')[0]).toBe('0     x');
});
