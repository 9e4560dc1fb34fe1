import { expect, test } from 'vitest';
import { errorOf, INT, member, struct, typesOf } from '../model/testing.ts';
import { findType } from './find-type.ts';

const btf = typesOf(
  INT, // 1
  struct('event', 4, member('m', 1, 0)), // 2
  { kind: 'typedef', name: 'event', type: 2 }, // 3
  { kind: 'enum', name: 'color', size: 4, signed: false, values: [{ name: 'RED', value: 0n }] }, // 4
  { kind: 'union', name: 'u', size: 4, members: [] }, // 5
  { kind: 'typedef', name: 'nothing', type: 0 }, // 6
);

test.for([
  ['struct event', 2],
  ['  struct   event ', 2],
  ['event', 3],
  ['enum color', 4],
  ['union u', 5],
  ['int', 1],
] as const)('%s is type %i', ([name, id]) => {
  expect(findType(btf, name)).toBe(id);
});

test.for(['struct color', 'enum event', 'union event', '', 'struct', 'struct ', 'RED', 'toString'])(
  '"%s" is refused',
  name => {
    expect(errorOf(() => findType(btf, name)).code).toBe('value-no-type');
  },
);

test('a hint names similar types as C writes them', () => {
  expect(errorOf(() => findType(btf, 'struct evnt')).problems[0]?.hint).toBe('did you mean "struct event"?');
});

test('a type without values is refused', () => {
  expect(errorOf(() => findType(btf, 'nothing')).code).toBe('btf-no-size');
});
