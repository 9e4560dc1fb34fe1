import { describe, expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import { RootletError } from '../../diag/problem.ts';
import { requireOptimization } from './arguments.ts';
import type { OptimizeOptions } from './model/options.ts';
import { optimize } from './optimize.ts';

const OBJECT = objectOf('a.o', [
  { name: 'main', kind: 'function', section: 'xdp', calls: ['helper'] },
  { name: 'helper', kind: 'function' },
  { name: 'table', kind: 'map' },
]);

function refusal(options: OptimizeOptions): readonly string[] {
  try {
    optimize(OBJECT, options);
    return [];
  } catch (error) {
    if (error instanceof RootletError)
      return error.problems.map(({ code, message }) => `${code}: ${message}`);
    throw error;
  }
}

describe('names', () => {
  test('of functions and programs are accepted', () => {
    expect(refusal({ noInline: ['helper', 'main'], programs: ['main'] })).toEqual([]);
  });

  test('of nothing, of a map, of a function in place of a program are refused', () => {
    expect(refusal({ noInline: ['helpr', 'table'], programs: ['helper'] })).toEqual([
      'link-optimize: there is no function "helpr" to optimize or to keep',
      'link-optimize: there is no function "table" to optimize or to keep',
      'link-optimize: there is no program "helper" to optimize or to keep',
    ]);
  });
});

describe('types of arguments', () => {
  const check = (value: unknown) => () => Reflect.apply(requireOptimization, undefined, ['options', value]);

  test.each([undefined, true, false, {}, { inline: 'all', noInline: [], programs: ['main'] }])(
    '%j is accepted',
    value => {
      expect(check(value)).not.toThrow();
    },
  );

  test.each([
    ['1', 'options must be an object of options; got a string'],
    [{ inline: 'most' }, 'options.inline must be one of all, single, members, none; got most'],
    [{ noInline: 'main' }, 'options.noInline must be an array of names; got a string'],
    [{ programs: 'main' }, 'options.programs must be an array of names; got a string'],
  ])('%j is refused', (value, message) => {
    expect(check(value)).toThrow(expect.objectContaining({ name: 'TypeError', message }));
  });
});
