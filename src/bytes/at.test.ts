import { describe, expect, test } from 'vitest';
import { RootletError } from '../diag/problem.ts';
import { elementAt, noElement, valueAt } from './at.ts';
import { given } from './given.ts';

/** Code and text of the error that `body` throws. */
function errorOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return `${error.code} ${error.problems[0]?.class}: ${error.message}`;
    throw error;
  }
  return 'nothing was thrown';
}

describe('checked indexing', () => {
  test('gives elements, also those that look like nothing', () => {
    expect(elementAt(['', 'b'], 0)).toBe('');
    expect(elementAt([null], 0)).toBe(null);
    expect(elementAt(Uint8Array.of(0, 255), 1)).toBe(255);
    expect(elementAt(Uint32Array.of(0, 2 ** 32 - 1), 1)).toBe(2 ** 32 - 1);
    expect(elementAt(Int32Array.of(-1), 0)).toBe(-1);
    expect(valueAt(new Map([['a', 0]]), 'a')).toBe(0);
  });

  test.each([
    ['before a list', () => elementAt([1, 2], -1), 'no element -1 among 2'],
    ['after a list', () => elementAt([1, 2], 2), 'no element 2 among 2'],
    ['between elements', () => elementAt([1, 2], 0.5), 'no element 0.5 among 2'],
    ['after bytes', () => elementAt(new Uint8Array(3), 3), 'no element 3 among 3'],
    ['after words', () => elementAt(new Uint32Array(0), 0), 'no element 0 among 0'],
    ['before numbers', () => elementAt(new Int32Array(1), -1), 'no element -1 among 1'],
    ['by hand', () => noElement([], 7), 'no element 7 among 0'],
    ['a name that is not there', () => valueAt(new Map([['a', 1]]), 'b'), 'no entry "b" among 1'],
    ['a number that is not there', () => valueAt(new Map<number, string>(), 4), 'no entry 4 among 0'],
    [
      'an object that is not there',
      () => valueAt(new Map<object, string>(), {}),
      'no entry of that key among 0',
    ],
  ])('reports %s as an internal error', (_, body, message) => {
    expect(errorOf(body)).toBe(`bug-index bug: ${message}`);
  });
});

describe('given', () => {
  test('leaves out what is undefined, and nothing else', () => {
    const hint: string | undefined = [].at(0);
    const options: { readonly hint?: string; readonly count: number; readonly none: null } = {
      ...given({ hint, count: 0, none: null }),
    };
    expect(Object.keys(options)).toEqual(['count', 'none']);
  });

  test('keeps a default that is not overridden', () => {
    expect({ mode: 'native', ...given({ mode: undefined }) }).toEqual({ mode: 'native' });
  });
});
