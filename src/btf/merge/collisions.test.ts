/** Types, and tags of types, made to meet in hash tables that take no key. */

import { expect, test } from 'vitest';
import { FAULT, HEADER, Image, TYPE, UNIT } from '../../image/index.ts';
import { PLAIN_POSITION, PLAIN_VALUE } from '../../image/layout.ts';
import { useRandom } from '../../image/random.ts';
import { importTypes } from '../model/columns.ts';
import { INT, typesOf } from '../model/testing.ts';
import type { BtfType } from '../model/types.ts';
import * as same from './same.kernel.ts';

const KEYS = [3, 0x1234_5679, -7];

/** TYPE.same of the types of two units that have the same ones, and the image. */
function compared(
  types: readonly BtfType[],
  key: number,
): { readonly found: number[]; readonly image: Image } {
  const restore = useRandom(() => key);
  try {
    const image = new Image();
    const numbers = [1, 2].map(number => {
      const unit = image.addUnit(`${number}`);
      importTypes(image, unit, typesOf(...types));
      return unit;
    });
    expect(image.run(same).findSame(1, 2)).toBe(1);
    expect(image.count(FAULT)).toBeLessThan(2);
    const found = numbers.flatMap(unit =>
      types.map((_, index) => image.get(TYPE.same, image.get(UNIT.types, unit) + 1 + index)),
    );
    return { found, image };
  } finally {
    restore();
  }
}

/** `mixLow` without keys. */
function plainMix(value: number, position: number): number {
  const hash = Math.imul(value ^ Math.imul(position + 1, PLAIN_POSITION), PLAIN_VALUE);
  const mixed = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** Where an enum with one value begins in a hash table: the hash of its words, as `hashTypes` has it. */
function placeOf(words: readonly number[]): number {
  const [name = 0, ...others] = words;
  let low = Math.imul(name, 0x01000193);
  let high = Math.imul(name, 0x5bd1e995);
  for (const word of others) {
    low = Math.imul(low ^ word, 0x01000193) ^ (low >>> 15);
    high = Math.imul((high + word) | 0, 0x5bd1e995) ^ (high >>> 13);
  }
  return plainMix(low, high);
}

/** Enums that differ in their value only, and all begin in the same few of 2^16 slots. */
function crowdedEnums(count: number): BtfType[] {
  const found: BtfType[] = [];
  for (let value = 0; found.length < count; value++)
    if ((placeOf([1, 0x06000001, 4, 2, value]) & 0xffff) < 32) found.push(enumOf(value));
  return found;
}

function enumOf(value: number): BtfType {
  return { kind: 'enum', name: 'e', size: 4, signed: false, values: [{ name: 'v', value: BigInt(value) }] };
}

test.each(KEYS)('types that crowd are distinguished, by key %i', key => {
  const types = crowdedEnums(300);
  const { found, image } = compared(types, key);
  expect(image.words[HEADER.mixPosition]).toBe(key);
  const first = image.get(UNIT.types, 1) + 1;
  const rows = types.map((_, index) => first + index);
  expect(found).toEqual([...rows, ...rows]);
});

test('types that do not crowd take no keys', () => {
  const types = Array.from({ length: 300 }, (_, index) => enumOf(index));
  expect(compared(types, 3).image.words[HEADER.mixPosition]).toBe(PLAIN_POSITION | 0);
});

/** Members are the rest of a hash by key: all kinds of words take part in it. */
test('equal types of all kinds are equal by key, and others are not', () => {
  const others: BtfType[] = [
    INT,
    { kind: 'ptr', type: 1 },
    { kind: 'struct', name: 's', size: 8, members: [{ name: 'm', type: 2, bitOffset: 0, bitSize: 0 }] },
    { kind: 'struct', name: 's', size: 8, members: [{ name: 'n', type: 2, bitOffset: 0, bitSize: 0 }] },
    { kind: 'array', element: 1, index: 1, length: 4 },
    { kind: 'func_proto', returns: 1, params: [{ name: 'p', type: 2 }] },
    { kind: 'typedef', name: 's', type: 3 },
    { kind: 'typedef', name: 's', type: 4 },
  ];
  const crowd = crowdedEnums(300);
  const { found, image } = compared([...crowd, ...shifted(others, crowd.length)], 0x1357_9bdf);
  expect(image.words[HEADER.mixPosition]).toBe(0x1357_9bdf);
  const half = found.length / 2;
  expect(found.slice(half)).toEqual(found.slice(0, half));
  expect(new Set(found).size).toBe(half);
});

/** Types whose references are higher by `by`. */
function shifted(types: readonly BtfType[], by: number): BtfType[] {
  const shift = (value: unknown, name: string): unknown =>
    (name === 'type' || name === 'element' || name === 'index' || name === 'returns') && value !== 0
      ? Number(value) + by
      : value;
  return types.map(type => JSON.parse(JSON.stringify(type, (name, value) => shift(value, name))));
}
