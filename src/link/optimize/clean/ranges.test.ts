/** Ranges in place of equalities, and tests that stay as they are. */

import { expect, test } from 'vitest';
import { dedented, graphOf, textOf } from '../testing.ts';
import { mergeRanges } from './ranges.ts';

/** A program that goes on after some numbers. */
function program(tests: readonly string[], before = ''): string {
  return `${before}\n${tests.map(each => `if ${each} goto on`).join('\n')}\nr0 = 0\nexit\non:\nr0 = 1\nexit`;
}

function changed(text: string): string {
  const graph = graphOf(text);
  mergeRanges(graph);
  return textOf(graph);
}

const plain = (text: string): string => textOf(graphOf(text));

test('from 0: one comparison', () => {
  const after = 'if w0 > 2 goto a\nr0 = 1\nexit\na:\nr0 = 0\nexit';
  expect(changed(program(['w0 == 2', 'w0 == 0', 'w0 == 1']))).toBe(plain(after));
});

test('from another number: two comparisons, whatever the width', () => {
  const after = (r: string) =>
    plain(`if ${r} >= 1 goto in\nr0 = 0\nexit\nin:\nif ${r} > 3 goto a\nr0 = 1\nexit\na:\nr0 = 0\nexit`);
  for (const r of ['w0', 'r0']) {
    const text = changed(program([1, 2, 3].map(number => `${r} == ${number}`)));
    expect(text.split('\n').filter(line => line.startsWith('if'))).toEqual(
      after(r)
        .split('\n')
        .filter(line => line.startsWith('if')),
    );
  }
});

test('the mask of a number is an upper limit: one comparison', () => {
  const tests = program(['w1 == 1', 'w1 == 2', 'w1 == 3'], 'v0 = r1\nv0 &= 3\nr1 = v0');
  expect(changed(tests)).toBe(plain(program(['w1 >= 1'], 'v0 = r1\nv0 &= 3\nr1 = v0')));
  const wider = program(['w1 == 1', 'w1 == 2', 'w1 == 3'], 'v0 = r1\nv0 &= 7\nr1 = v0');
  expect(changed(wider)).toContain('if w1 > 3');
});

test('the last test may be inverted', () => {
  const before = 'if w0 == 0 goto on\nif w0 != 1 goto off\non:\nr0 = 1\nexit\noff:\nr0 = 0\nexit';
  expect(changed(before)).toBe(plain('if w0 > 1 goto off\nr0 = 1\nexit\noff:\nr0 = 0\nexit'));
});

test.each([
  ['a gap', ['w0 == 0', 'w0 == 2']],
  ['two numbers that do not start at 0', ['w0 == 1', 'w0 == 2']],
  ['a pointer may be compared with 0', ['r0 == 0', 'r0 == 1']],
  ['two registers', ['w0 == 0', 'w1 == 1']],
  ['two widths', ['w0 == 1', 'r0 == 2', 'r0 == 3']],
  ['negative numbers', ['w0 == -1', 'w0 == 0']],
  ['other relations', ['w0 == 0', 'w0 > 1']],
])('stays: %s', (_, tests) => {
  expect(changed(program(tests))).toBe(plain(program(tests)));
});

test.each([
  ['another way leads to the second test', 'if r1 == 0 goto x\nif w0 == 0 goto on\nx:\nif w0 == 1 goto on'],
  ['something happens in between', 'if w0 == 0 goto on\nr2 = 1\nif w0 == 1 goto on'],
  ['they lead to different places', 'if w0 == 0 goto on\nif w0 == 1 goto off'],
])('stays: %s', (_, tests) => {
  const text = dedented(`${tests}\nr0 = 0\nexit\non:\nr0 = 1\nexit\noff:\nr0 = 2\nexit`);
  expect(changed(text)).toBe(plain(text));
});
