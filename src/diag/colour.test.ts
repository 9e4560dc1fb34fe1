import { expect, test } from 'vitest';
import { bold, line, problemLines } from './lines.ts';
import { problem } from './problem.ts';

const found = problem('usage-option', ['a.o'], 'there is no option "--x"', {
  details: ['hint: this is a detail'],
  hint: 'write --y',
});

test('a problem in colour: prefix and hint only', () => {
  expect(problemLines(found, 'rootlet: ', true)).toBe(
    '\u001b[1;31mrootlet: \u001b[0ma.o: there is no option "--x"\n  hint: this is a detail\n  \u001b[1;36mhint:\u001b[0m write --y',
  );
  expect(problemLines(problem('usage-option', [], 'text'), 'rootlet: ', true)).toBe(
    '\u001b[1;31mrootlet: \u001b[0mtext',
  );
});

test('without colour there are no escapes', () => {
  expect(problemLines(found, 'rootlet: ')).not.toContain('\u001b');
  expect(bold(line('Output:'))).toBe('\u001b[1mOutput:\u001b[0m');
});

test('escapes of a name stay visible', () => {
  const hostile = problem('usage-option', ['\u001b[31m'], 'text', { hint: '\u001b[0m' });
  expect(problemLines(hostile, '', true).replaceAll(/\u001b\[(1;3[16]|0)m/g, '')).not.toContain('\u001b');
});
