import { describe, expect, test } from 'vitest';
import { LIMIT_NAMES, LIMITS, type LimitName } from '../../src/diag/limits.ts';
import { RootletError } from '../../src/diag/problem.ts';
import { LINK_LIMITS, parseLimits } from './limits.ts';

const parse = (...limits: readonly string[]) => parseLimits({ limits }, LIMIT_NAMES);

test.each([
  [[], undefined],
  [['btf=128MiB'], { btf: 2 ** 27 }],
  [['btf=128M,names=16'], { btf: 2 ** 27, names: 16 }],
  [['btf=2048', 'memory=1GiB'], { btf: 2048, memory: 2 ** 30 }],
  [['kconfig=64kib'], { kconfig: 2 ** 16 }],
  [['machine=4GiB'], { machine: 2 ** 32 }],
])('%j', (words, limits) => {
  expect(parse(...words)).toEqual(limits);
});

test('the smallest and the largest value of each limit are taken, those beyond are not', () => {
  for (const name of LIMIT_NAMES) {
    const { least, most } = LIMITS[name];
    for (const value of [least, most]) expect(parse(`${name}=${value}`)).toEqual({ [name]: value });
    for (const value of [least - 1, most + 1])
      expect(() => parse(`${name}=${value}`), `${name}=${value}`).toThrow(
        expect.objectContaining({ code: 'usage-limits' }),
      );
  }
});

describe('refused', () => {
  function refusal(words: readonly string[], names: readonly LimitName[]) {
    try {
      parseLimits({ limits: words }, names);
    } catch (error) {
      if (error instanceof RootletError) return error.problems[0];
      throw error;
    }
    return undefined;
  }

  test.each<readonly [string, string, string]>([
    ['btff=1M', 'limit "btff" is not a limit', 'did you mean "btf"?'],
    [
      'budget=7',
      'limit "budget" has no effect here',
      'there are: "memory", "btf", "names", "zeros", "picture"',
    ],
    ['btf', 'limit "btf" is not NAME=VALUE', 'as in --limits btf=128MiB'],
    ['=7', 'limit "=7" is not NAME=VALUE', 'as in --limits btf=128MiB'],
    ['', 'limit "" is not NAME=VALUE', 'as in --limits btf=128MiB'],
    [
      'btf=1TiB',
      'limit btf: "1TiB" is not a size (512KiB, 64MiB, 1GiB, or bytes)',
      'the standard limit is btf=64MiB',
    ],
    [
      'btf=-1',
      'limit btf: "-1" is not a size (512KiB, 64MiB, 1GiB, or bytes)',
      'the standard limit is btf=64MiB',
    ],
    ['names=8MiB', 'limit names: "8MiB" is not a whole number', 'the standard limit is names=4'],
    ['names=1.5', 'limit names: "1.5" is not a whole number', 'the standard limit is names=4'],
  ])('%s', (word, message, hint) => {
    expect(refusal([word], LINK_LIMITS)).toMatchObject({ code: 'usage-limits', message, hint });
  });

  test('out of range, and given twice', () => {
    expect(refusal(['btf=8GiB'], LINK_LIMITS)?.message).toBe(
      'limit btf: 8589934592 is not a whole number from 1KiB to 2097088KiB',
    );
    expect(refusal(['btf=1MiB', 'names=2,btf=1MiB'], LINK_LIMITS)?.message).toBe('limit btf is given twice');
  });
});
