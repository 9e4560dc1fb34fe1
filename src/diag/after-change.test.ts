import { expect, test } from 'vitest';
import { afterChange } from './after-change.ts';
import { bugError, exitCodeOf, platformError, RootletError } from './problem.ts';

const OUTER = {
  code: 'hook-half-removed',
  where: ['hook "R"'],
  message: 'it is off, but',
  hint: 'again',
} as const;
const INNER = { code: 'store-half-removed', where: [], message: 'it is gone, but', hint: 'later' } as const;

function failing(body: () => void): RootletError {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return error;
  }
  throw new Error('nothing was thrown');
}

const refuse = (): never => {
  throw platformError('kernel-pin', ['x.o'], 'pinning: busy', { errno: 16, hint: 'not here' });
};

test('an error after the change has the code of the change, the cause and its errno', () => {
  const error = failing(() => afterChange(INNER, refuse));
  expect(error.problems).toEqual([
    {
      code: 'store-half-removed',
      class: 'partial',
      where: [],
      message: 'it is gone, but: x.o: pinning: busy',
      errno: 16,
      hint: 'later',
    },
  ]);
  expect(exitCodeOf(error)).toBe(5);
  expect(error.cause).toBeInstanceOf(RootletError);
});

test('of changes within each other the outer one is reported, with the first cause', () => {
  const error = failing(() => afterChange(OUTER, () => afterChange(INNER, refuse)));
  expect(error.problems).toMatchObject([
    {
      code: 'hook-half-removed',
      where: ['hook "R"'],
      message: 'it is off, but: x.o: pinning: busy',
      hint: 'again',
    },
  ]);
});

test('further problems are details; what is not an error of rootlet is passed on', () => {
  const two = new RootletError([...bugError(['a'], 'one').problems, ...bugError(['b'], 'two').problems]);
  const error = failing(() =>
    afterChange(INNER, () => {
      throw two;
    }),
  );
  expect(error.problems[0]).toMatchObject({ message: 'it is gone, but: a: one', details: ['b: two'] });
  expect(() =>
    afterChange(INNER, () => {
      throw new TypeError('of the engine');
    }),
  ).toThrow(TypeError);
  expect(afterChange(INNER, () => 5)).toBe(5);
});
