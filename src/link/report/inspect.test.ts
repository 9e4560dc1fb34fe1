/** Inspection of objects with columns, and of the same objects without. */

import { describe, expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import { readObject, writeObject } from '../../object/index.ts';
import { inspect } from './inspect.ts';

const SAMPLE = objectOf('a.o', [
  { name: 'main', kind: 'function', section: 'tc', calls: ['helper', 'helper'], uses: ['count', 'count'] },
  { name: 'odd', kind: 'function', section: 'odd' },
  { name: 'lost', kind: 'function', section: 'tc', binding: 'local' },
  { name: 'helper', kind: 'function', binding: 'local' },
  { name: 'count', kind: 'variable', size: 8 },
  { name: 'printk', kind: 'kfunc' },
]);
const READ = readObject({ name: 'a.o', bytes: writeObject(SAMPLE) });

describe('an object', () => {
  test('is shown the same whether it has columns or was built', () => {
    const edited = { ...READ };
    expect(inspect(edited)).toEqual(inspect(readObject({ name: 'a.o', bytes: writeObject(SAMPLE) })));
    expect(inspect(edited).functions).not.toEqual([]);
  });

  test('has programs, functions, variables and externs, each with what it uses once', () => {
    const { programs, functions, variables, externs, notes } = inspect(READ);
    expect(programs.map(({ name, programType }) => [name, programType])).toEqual([
      ['main', 'sched_cls'],
      ['odd', null],
    ]);
    expect(programs[0]?.uses).toEqual(['helper', 'count']);
    expect(functions.map(({ name }) => name).sort()).toEqual(['helper', 'lost']);
    expect(variables).toMatchObject([{ name: 'count', size: 8, binding: 'global' }]);
    expect(externs).toMatchObject([{ name: 'printk', section: '.ksyms' }]);
    expect(notes.join('\n')).toMatch(/"odd" does not specify a program type/);
    expect(notes.join('\n')).toMatch(/program "lost" is static and not supported/);
  });

  test('has functions with the types that they are declared with', () => {
    const { externs, types } = inspect(SAMPLE);
    expect(externs[0]?.declaration).toMatch(/^extern .*printk\(/);
    expect(Object.keys(types)).toContain('func');
  });
});
