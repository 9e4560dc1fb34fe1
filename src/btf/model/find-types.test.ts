/** Searches by name find what a walk over decoded types finds, in types of their own and after many names. */

import { describe, expect, test } from 'vitest';
import { BtfBuilder } from './builder.ts';
import { TypeSearch } from './find-types.ts';
import { INT } from './int.ts';
import { toRaw } from './to-raw.ts';
import type { BtfMember, BtfType } from './types.ts';

const struct = (name: string, members: readonly BtfMember[] = []): BtfType => ({
  kind: 'struct',
  name,
  size: 64,
  members: [...members],
});
const member = (name: string, type: number): BtfMember => ({ name, type, bitOffset: 0, bitSize: 0 });

function searchIn(...types: readonly BtfType[]): TypeSearch {
  const builder = new BtfBuilder();
  for (const type of types) builder.add(type);
  return new TypeSearch(toRaw(builder.build()));
}

describe('types by name', () => {
  test('of one character, with and without flavour, once each', () => {
    const search = searchIn(struct('a'), struct('a___b'), struct('ab'), struct('a___'), struct('b'));
    expect([...search.types(['a', 'b'])]).toEqual([
      ['a', [1, 2]],
      ['b', [5]],
    ]);
  });

  test('more than there is room for in one call', () => {
    const search = searchIn(...Array.from({ length: 3000 }, (_, n) => struct(`same___${n}`)));
    expect(search.types(['same']).get('same')).toEqual(Array.from({ length: 3000 }, (_, n) => n + 1));
  });

  test('more names than one pass has, and longer ones', () => {
    const names = Array.from({ length: 700 }, (_, n) => `${'x'.repeat(1 + (n % 90))}${n}`);
    const long = 'l'.repeat(40_000);
    const search = searchIn(...[...names, long].map(name => struct(name)));
    const found = search.types([...names, long, 'none', '', 'n\0']);
    expect([...names, long].map(name => found.get(name))).toEqual([...names, long].map((_, n) => [n + 1]));
    expect(found.get('none')).toEqual([]);
    expect(found.get('n\0')).toEqual([]);
  });

  test('however many are looked for one after the other', () => {
    const types = Array.from({ length: 40 }, (_, n) => struct(`s${n % 20}${n < 20 ? '' : `___${n}`}`));
    const search = searchIn(...types, { kind: 'type_tag', name: 's3', type: 1, attribute: false });
    for (let n = 0; n < 20; n++) expect(search.types([`s${n}`]).get(`s${n}`)).toEqual([n + 1, n + 21]);
    expect([...search.types(['s3', '', 'none'])]).toEqual([
      ['s3', [4, 24]],
      ['', []],
      ['none', []],
    ]);
  });

  test('only of kinds that relocations and externs can name', () => {
    const search = searchIn(struct('s'), { kind: 'type_tag', name: 's', type: 1, attribute: false });
    expect(search.types(['s']).get('s')).toEqual([1]);
  });
});

describe('members by name', () => {
  test('in order of declaration, through anonymous composites and typedefs of them', () => {
    const search = searchIn(
      INT,
      struct('', [member('inner', 1), member('twice', 1)]),
      { kind: 'typedef', name: 't', type: 2 },
      struct('outer', [member('first', 1), member('', 3), member('twice', 1)]),
    );
    expect(search.member(4, 'first')).toEqual([0]);
    expect(search.member(4, 'inner')).toEqual([1, 0]);
    expect(search.member(4, 'twice')).toEqual([1, 1]);
    expect(search.member(4, 'none')).toBeUndefined();
    expect(search.member(1, 'first')).toBeUndefined();
    expect(search.member(0, 'first')).toBeUndefined();
    expect(search.member(99, 'first')).toBeUndefined();
  });

  test('deep ones up to the limit; composites that lead to each other twice take no time', () => {
    const levels = Array.from({ length: 70 }, (_, n) =>
      n === 0 ? struct('', [member('deep', 0)]) : struct('', [member('', n), member('', n)]),
    );
    const search = searchIn(...levels);
    expect(search.member(63, 'deep')).toEqual(Array.from({ length: 63 }, () => 0));
    expect(search.member(64, 'deep')).toBeNull();
    expect(search.member(60, 'none')).toBeUndefined();
    expect(search.member(5, 'deep', 5)).toEqual([0, 0, 0, 0, 0]);
    expect(search.member(5, 'deep', 4)).toBeNull();
    expect(search.member(1, 'deep', 0)).toBeNull();
  });

  test('below the limit are not missed for what is deeper later, and empty composites do not count', () => {
    const search = searchIn(
      struct(''),
      struct('', [member('', 1), member('near', 0)]),
      struct('', [member('deep', 0)]),
      struct('outer', [member('', 2), member('', 3)]),
    );
    expect(search.member(4, 'near', 2)).toEqual([0, 1]);
    expect(search.member(4, 'deep', 1)).toBeNull();
    expect(search.member(2, 'near', 1)).toEqual([1]);
  });
});
