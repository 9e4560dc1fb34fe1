import { expect, test } from 'vitest';
import { type Problem, RootletError } from './problem.ts';
import { ProblemList } from './problem-list.ts';

function problem(extras: Partial<Problem> = {}): Problem {
  return { code: 'link-duplicate', class: 'input', where: ['a.o'], message: 'is wrong', ...extras };
}

test('keeps the order in which problems are added', () => {
  const problems = new ProblemList([problem({ message: 'second' })]);
  problems.add([problem({ message: 'first' }), problem({ message: 'third' })]);
  expect(problems.all.map(({ message }) => message)).toEqual(['second', 'first', 'third']);
  expect(problems.isEmpty).toBe(false);
});

test('keeps equal problems once, at their first place', () => {
  const problems = new ProblemList();
  expect(problems.isEmpty).toBe(true);
  problems.add([problem(), problem({ message: 'other' }), problem({ hint: 'try again' })]);
  expect(problems.all).toEqual([problem(), problem({ message: 'other' })]);
});

test('a subject identifies a problem, whatever its message', () => {
  const one = problem({ subject: 'foo' });
  const problems = [one, problem({ subject: 'foo', message: 'other' }), problem({ subject: 'bar' })];
  expect(new ProblemList(problems).all).toEqual([one, problem({ subject: 'bar' })]);
});

const DIFFERENT: readonly (readonly [what: string, extras: Partial<Problem>])[] = [
  ['code', { code: 'link-undefined' }],
  ['place', { where: ['b.o'] }],
  ['message', { message: 'is missing' }],
  ['details', { details: ['int x'] }],
];

test.each(DIFFERENT)('problems that differ in their %s are both kept', (_, extras) => {
  expect(new ProblemList([problem(), problem(extras)]).all).toHaveLength(2);
});

test('a list that was read does not change', () => {
  const problems = new ProblemList([problem()]);
  const before = problems.all;
  problems.add([problem({ message: 'later' })]);
  expect(before).toHaveLength(1);
});

test('an error without problems has a code all the same', () => {
  expect(new RootletError([]).code).toBe('bug-empty-error');
});
