/** Merging the units of an image as a link does it: deduplicated first, redirected when winners are known. */

import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../test/hostile/random.ts';
import { FAULT, HEADER, Image, TYPE, UNIT } from '../../image/index.ts';
import { btfOf, importTypes } from '../model/columns.ts';
import type { RawBtf } from '../model/raw.ts';
import { INT, LONG, member, pointer, struct, typesOf } from '../model/testing.ts';
import type { BtfType } from '../model/types.ts';
import { MERGE_FAULT } from './faults.ts';
import { mergeBtf } from './merge.ts';
import * as same from './same.kernel.ts';
import * as units from './unit.kernel.ts';

interface Redirect {
  readonly input: number;
  readonly id: number;
  /** Undefined: left out. */
  readonly to?: { readonly input: number; readonly id: number };
}

/** The types of the result and, for each input, the new ids. */
function mergeInImage(inputs: readonly RawBtf[], redirects: readonly Redirect[]): [RawBtf, number[][]] {
  const image = new Image();
  const numbers = inputs.map((btf, index) => {
    const unit = image.addUnit(`${index}`);
    importTypes(image, unit, btf);
    return unit;
  });
  expect(image.run(same).findSame(1, numbers.length)).toBe(1);
  const rowOf = (input: number, id: number): number => image.get(UNIT.types, numbers[input] ?? 0) + id;
  for (const { input, id, to } of redirects) {
    image.set(TYPE.redirect, rowOf(input, id), to === undefined ? -1 : rowOf(to.input, to.id));
  }
  const result = image.addUnit('result');
  expect(image.run(units).mergeUnitTypes(1, numbers.length, result)).toBe(1);
  const ids = inputs.map((btf, input) =>
    Array.from({ length: btf.count + 1 }, (_, id) => image.get(TYPE.result, rowOf(input, id))),
  );
  return [btfOf(image, result), ids];
}

function expectAsMergeBtf(inputs: readonly RawBtf[], redirects: readonly Redirect[], label: string): RawBtf {
  const [btf, ids] = mergeInImage(inputs, redirects);
  const expected = mergeBtf(
    inputs.map((each, input) => {
      const mine = redirects.filter(redirect => redirect.input === input);
      return {
        btf: each,
        omit: new Set(mine.filter(({ to }) => to === undefined).map(({ id }) => id)),
        redirect: new Map(mine.flatMap(({ id, to }) => (to === undefined ? [] : [[id, to] as const]))),
      };
    }),
  );
  expect([btf.words, btf.start, btf.strings], label).toEqual([
    expected.btf.words,
    expected.btf.start,
    expected.btf.strings,
  ]);
  expect(ids, label).toEqual(expected.ids.map(map => Array.from(map)));
  return btf;
}

const proto = (returns: number, name: string, type: number): BtfType => ({
  kind: 'func_proto',
  returns,
  params: [{ name, type }],
});
const func = (name: string, type: number): BtfType => ({ kind: 'func', name, type, linkage: 'global' });
const tag = (name: string, type: number): BtfType => ({
  kind: 'decl_tag',
  name,
  type,
  component: -1,
  attribute: false,
});

describe('units that were deduplicated before names were resolved', () => {
  test('lose redirected functions and their tags', () => {
    const input = (name: string): RawBtf => typesOf(INT, proto(1, name, 1), func('f', 2), tag(name, 3));
    const redirects = [{ input: 0, id: 3, to: { input: 1, id: 3 } }];
    const btf = expectAsMergeBtf([input('a'), input('b')], redirects, '');
    expect(btf.count).toBe(5);
  });

  test('have one pointer to a function that was redirected', () => {
    const input = typesOf(INT, proto(1, 'p', 1), func('f', 2), pointer(3));
    const btf = expectAsMergeBtf([input, input], [{ input: 0, id: 3, to: { input: 1, id: 3 } }], '');
    expect(btf.count).toBe(4);
  });

  test('are as mergeBtf makes them', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new SeededRandom(seed);
      const inputs = Array.from({ length: 2 + random.below(3) }, () =>
        typesOf(
          random.pick([INT, LONG]),
          struct(random.pick(['s', 't']), 8, member(random.pick(['m', 'n']), 1, 0)),
          { kind: 'fwd', name: random.pick(['s', 't', 'u']), union: false },
          pointer(1 + random.below(3)),
          proto(random.below(5), random.pick(['a', 'b']), 1 + random.below(4)),
          func('f', 5),
          { kind: 'var', name: 'v', type: 4, linkage: 'global' },
          tag(random.pick(['x', 'y']), random.pick([2, 6, 7])),
          pointer(random.pick([2, 6])),
          { kind: 'datasec', name: '.data', size: 8, vars: [{ type: 7, offset: 0, size: 8 }] },
        ),
      );
      const winner = random.below(inputs.length);
      const redirects = inputs.flatMap((_, input): Redirect[] => {
        if (input === winner) return [];
        const left: Redirect[] = random.below(3) === 0 ? [{ input, id: 7 }] : [];
        return [...left, { input, id: 6, to: { input: winner, id: 6 } }];
      });
      expectAsMergeBtf(inputs, redirects, `seed ${seed}`);
    }
  });

  test('are merged again after their copies are gone', () => {
    const image = new Image();
    importTypes(image, image.addUnit('a'), typesOf(INT, pointer(1)));
    importTypes(image, image.addUnit('b'), typesOf(INT, LONG, pointer(2)));
    image.run(same).findSame(1, 2);
    const results = ['first', 'second'].map(name => {
      const result = image.addUnit(name);
      expect(image.run(units).mergeUnitTypes(1, 2, result)).toBe(1);
      expect(image.words[HEADER.ownAt]).toBe(0);
      return btfOf(image, result);
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[0]?.count).toBe(4);
  });

  test('are refused when a type that is kept refers to one that is left out', () => {
    const image = new Image();
    importTypes(image, image.addUnit('a'), typesOf(INT, pointer(1)));
    image.run(same).findSame(1, 1);
    image.set(TYPE.redirect, image.get(UNIT.types, 1) + 1, -1);
    const result = image.addUnit('result');
    expect(image.run(units).mergeUnitTypes(1, 1, result)).toBe(0);
    const row = image.count(FAULT) - 1;
    expect([FAULT.code, FAULT.unit, FAULT.a].map(column => image.get(column, row))).toEqual([
      MERGE_FAULT.dropped,
      1,
      2,
    ]);
  });
});
