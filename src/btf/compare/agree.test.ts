/** The quick answer of `agree` beside the rule that decides: it never says more. */

import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../test/hostile/random.ts';
import { Image, UNIT } from '../../image/index.ts';
import * as same from '../merge/same.kernel.ts';
import { importTypes } from '../model/columns.ts';
import { INT, LONG, member, pointer, struct, typesOf, UNSIGNED } from '../model/testing.ts';
import type { BtfFunc, BtfType, BtfVar } from '../model/types.ts';
import * as agreement from './agree.kernel.ts';
import { compareTypes } from './compare.ts';

const proto = (returns: number, ...params: readonly (readonly [string, number])[]): BtfType => ({
  kind: 'func_proto',
  returns,
  params: params.map(([name, type]) => ({ name, type })),
});
const func = (name: string, type: number, linkage: BtfFunc['linkage'] = 'global'): BtfType => ({
  kind: 'func',
  name,
  type,
  linkage,
});
const variable = (name: string, type: number, linkage: BtfVar['linkage'] = 'global'): BtfType => ({
  kind: 'var',
  name,
  type,
  linkage,
});

/** What the kernel answers for the last type of each. */
function answer(left: readonly BtfType[], right: readonly BtfType[]): number {
  const image = new Image();
  const [a, b] = [left, right].map((types, index) => {
    const unit = image.addUnit(`${index}`);
    importTypes(image, unit, typesOf(...types));
    return image.get(UNIT.types, unit) + types.length;
  });
  expect(image.run(same).findSame(1, 2)).toBe(1);
  return image.run(agreement).agree(a ?? 0, b ?? 0);
}

interface Case {
  readonly name: string;
  readonly left: readonly BtfType[];
  readonly right: readonly BtfType[];
  readonly quick: 0 | 1;
  /** What the rule says, where it is not the same. */
  readonly rule?: boolean;
}

const S = struct('s', 4, member('m', 1, 0));

const CASES: readonly Case[] = [
  { name: 'equal variables', left: [INT, variable('v', 1)], right: [INT, variable('v', 1)], quick: 1 },
  {
    name: 'an extern and its definition',
    left: [INT, variable('v', 1, 'extern')],
    right: [INT, variable('v', 1)],
    quick: 1,
  },
  {
    name: 'static and global',
    left: [INT, variable('v', 1, 'static')],
    right: [INT, variable('v', 1)],
    quick: 0,
  },
  { name: 'other names', left: [INT, variable('v', 1)], right: [INT, variable('w', 1)], quick: 0 },
  { name: 'other types', left: [INT, variable('v', 1)], right: [LONG, variable('v', 1)], quick: 0 },
  {
    name: 'types that agree without being one',
    left: [INT, variable('v', 1)],
    right: [UNSIGNED, variable('v', 1)],
    quick: 0,
    rule: true,
  },
  {
    name: 'function and variable',
    left: [INT, proto(1), func('f', 2)],
    right: [INT, proto(1), variable('f', 1)],
    quick: 0,
  },
  {
    name: 'equal functions',
    left: [INT, proto(1, ['a', 1]), func('f', 2)],
    right: [INT, proto(1, ['a', 1]), func('f', 2)],
    quick: 1,
  },
  {
    name: 'names of parameters',
    left: [INT, S, pointer(2), proto(1, ['a', 3], ['b', 1]), func('f', 4)],
    right: [INT, S, pointer(2), proto(1, ['', 3], ['c', 1]), func('f', 4, 'extern')],
    quick: 1,
  },
  {
    name: 'other parameters',
    left: [INT, LONG, proto(1, ['a', 1], ['b', 2]), func('f', 3)],
    right: [INT, LONG, proto(1, ['a', 2], ['b', 1]), func('f', 3)],
    quick: 0,
  },
  {
    name: 'other results',
    left: [INT, LONG, proto(1), func('f', 3)],
    right: [INT, LONG, proto(2), func('f', 3)],
    quick: 0,
  },
  {
    name: 'fewer parameters',
    left: [INT, proto(1, ['a', 1]), func('f', 2)],
    right: [INT, proto(1), func('f', 2)],
    quick: 0,
  },
  {
    name: 'forward declaration and struct',
    left: [INT, { kind: 'fwd', name: 's', union: false }, pointer(2), variable('v', 3)],
    right: [INT, S, pointer(2), variable('v', 3)],
    quick: 1,
  },
];

describe('agreement after deduplication', () => {
  test.for(CASES)('$name', ({ left, right, quick, rule }) => {
    expect(answer(left, right)).toBe(quick);
    const mismatch = compareTypes(typesOf(...left), left.length, typesOf(...right), right.length);
    expect(mismatch === null).toBe(rule ?? quick === 1);
  });

  test('is never more than the rule allows', () => {
    let agreed = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const random = new SeededRandom(seed);
      const types = (): BtfType[] => {
        const parameter = (): readonly [string, number] => [random.pick(['a', 'b']), 1 + random.below(6)];
        const parameters = Array.from({ length: random.below(3) }, parameter);
        return [
          random.pick([INT, UNSIGNED]),
          struct(random.pick(['s', 't']), 4, member(random.pick(['m', 'n']), 1, 0)),
          { kind: 'fwd', name: random.pick(['s', 't']), union: false },
          pointer(1 + random.below(3)),
          pointer(4),
          { kind: 'const', type: 4 },
          proto(random.below(7), ...parameters),
          func('f', 7, random.pick(['static', 'global', 'extern'])),
        ];
      };
      const left = types();
      // most of the other side is the same
      const other = types();
      const right = left.map((type, index) => (random.below(5) === 0 ? (other[index] ?? type) : type));
      const quick = answer(left, right);
      agreed += quick;
      if (quick === 0) continue;
      expect(compareTypes(typesOf(...left), 8, typesOf(...right), 8), `seed ${seed}`).toBeNull();
    }
    expect(agreed).toBeGreaterThan(20);
  });
});
