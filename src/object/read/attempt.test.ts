import { describe, expect, test } from 'vitest';
import { build, call, jump, type Sample, sample, symbol } from '../../../test/hostile/object-sample.ts';
import type { Problem } from '../../diag/problem.ts';
import { inspect } from '../../link/report/inspect.ts';
import { readObject } from './read.ts';

/** What is read of the spoilt sample, and what is wrong with it. */
function shown(change: (parts: Sample) => void) {
  const parts = sample();
  change(parts);
  const problems: Problem[] = [];
  const file = { name: 'x.o', bytes: build(parts) };
  const object = readObject(file, { onProblems: found => problems.push(...found) });
  expect(() => readObject(file), 'without the option it is refused').toThrow();
  return {
    ...inspect(object),
    problems: problems.map(({ code }) => code),
    places: problems.map(({ where }) => where),
  };
}

/** The change, what is reported, and what is still there: functions and variables by name. */
const CASES: readonly (readonly [string, (parts: Sample) => void, string, readonly string[]])[] = [
  [
    'a function that jumps out of itself',
    parts => parts.insns.text.splice(0, 1, jump(1)),
    'object-jump-outside',
    ['helper', 'second', 'prog', 'counter', 'table', 'shared', '_license'],
  ],
  [
    'a call of nothing',
    parts => parts.insns.text.splice(0, 1, call(100)),
    'object-call-nowhere',
    ['helper', 'second', 'prog', 'counter', 'table', 'shared', '_license'],
  ],
  [
    'legacy maps without symbols',
    parts => parts.data.set('maps', new Uint8Array(20)),
    'object-legacy-maps',
    ['helper', 'second', 'prog', 'counter', 'table', 'shared', '_license'],
  ],
  [
    'an absolute symbol',
    parts => parts.symbols.push(symbol('fixed', 0xfff1, 42, 0)),
    'object-absolute-symbol',
    ['helper', 'second', 'prog', 'counter', 'table', 'shared', '_license'],
  ],
  [
    'a license without an end',
    parts => parts.data.set('license', Uint8Array.of(0x47, 0x50, 0x4c, 0x21)),
    'object-license-unterminated',
    ['helper', 'second', 'prog', 'counter', 'table', 'shared', '_license'],
  ],
  [
    'a map without a definition',
    parts => {
      parts.types.length = 0;
      parts.ext.funcs.length = 0;
    },
    'map-no-btf',
    ['helper', 'second', 'prog', 'counter', 'table', 'shared', '_license'],
  ],
];

describe('onProblems', () => {
  for (const [what, change, code, names] of CASES) {
    test(`shows the rest of a file with ${what}`, () => {
      const { problems, places, programs, functions, variables, maps } = shown(change);
      expect(problems).toEqual([code]);
      expect(places[0]?.[0]).toBe('x.o');
      const found = [...programs, ...functions, ...variables, ...maps].map(({ name }) => name);
      expect(found.sort()).toEqual([...names].sort());
    });
  }

  test('a map whose definition cannot be read has no numbers', () => {
    const { maps } = shown(parts => {
      parts.types.length = 0;
      parts.ext.funcs.length = 0;
    });
    expect(maps).toMatchObject([{ name: 'shared', type: null, keySize: null, maxEntries: null }]);
  });

  test('is not called for an object without types or faults', () => {
    const parts = sample();
    parts.types.length = 0;
    parts.ext.funcs.length = 0;
    parts.data.delete('.maps');
    parts.symbols.splice(5, 1);
    parts.relocations.get('tc')?.pop();
    const object = readObject({ name: 'x.o', bytes: build(parts) });
    expect(object.btf).toBeNull();
    expect(object.symbols.map(({ name }) => name).sort()).toEqual(
      ['_license', 'counter', 'helper', 'prog', 'second', 'table'].sort(),
    );
    expect(object.symbols.every(({ btfId }) => btfId === 0)).toBe(true);
  });
});
