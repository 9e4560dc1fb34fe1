/** What the linker accepts, what it refuses, and how the difference is reported. */

import { describe, expect, test } from 'vitest';
import { needs } from '../../../test/support/needs.ts';
import type { RawBtf } from '../model/raw.ts';
import {
  CHAR,
  compiledTypes,
  errorOf,
  INT,
  idOf,
  LONG,
  member,
  pointer,
  struct,
  typesOf,
  UNSIGNED,
} from '../model/testing.ts';
import type { BtfType } from '../model/types.ts';
import { compareTypes } from './compare.ts';

const SHORT_LONG = { ...INT, name: 'long' };

interface Pair {
  readonly name: string;
  /** The last type of each side is compared. */
  readonly left: readonly BtfType[];
  readonly right: readonly BtfType[];
  /** Undefined: they agree. Otherwise path, left, right. */
  readonly link?: readonly [string, string, string];
  /** Only where it is not as when linking. */
  readonly strict?: readonly [string, string, string];
  /** The type to compare, when it is not the last. */
  readonly id?: number;
}

const flow = (type: number, size = 4): BtfType => struct('flow', size, member('port', type, 0));
const proto = (...params: readonly number[]): BtfType => ({
  kind: 'func_proto',
  returns: 1,
  params: params.map((type, index) => ({ name: type === 0 ? '' : `p${index}`, type })),
});
const func = (type: number, linkage: 'static' | 'global' | 'extern' = 'global'): BtfType => ({
  kind: 'func',
  name: 'f',
  type,
  linkage,
});
const variable = (type: number, linkage: 'static' | 'global' | 'extern' = 'global'): BtfType => ({
  kind: 'var',
  name: 'v',
  type,
  linkage,
});
const array = (element: number, length: number): BtfType => ({ kind: 'array', element, index: 1, length });
const typedef = (name: string, type: number): BtfType => ({ kind: 'typedef', name, type });
const enumOf = (name: string, size: number, ...values: readonly [string, bigint][]): BtfType => ({
  kind: size === 8 ? 'enum64' : 'enum',
  name,
  size,
  signed: false,
  values: values.map(([label, value]) => ({ name: label, value })),
});
const declTag = (name: string, type: number, component = -1): BtfType => ({
  kind: 'decl_tag',
  name,
  type,
  component,
  attribute: false,
});

const PAIRS: readonly Pair[] = [
  { name: 'the same int', left: [INT], right: [INT] },
  { name: 'void and void', left: [INT, pointer(0)], right: [INT, pointer(0)] },
  {
    name: 'signedness',
    left: [INT],
    right: [UNSIGNED],
    strict: ['', 'int', 'unsigned int'],
  },
  { name: 'size of integers', left: [INT], right: [LONG], link: ['', 'int', 'long'] },
  {
    name: 'size of integers of one name',
    left: [SHORT_LONG],
    right: [LONG],
    link: ['', 'long (long of 4 bytes)', 'long (long of 8 bytes)'],
  },
  {
    name: 'modifiers and typedefs',
    left: [INT, { kind: 'const', type: 1 }, { kind: 'volatile', type: 2 }],
    right: [INT, typedef('s32', 1)],
  },
  {
    name: 'typedefs of one name for different types',
    left: [INT, typedef('t', 1)],
    right: [LONG, typedef('t', 1)],
    link: ['', 't (int of 4 bytes)', 't (long of 8 bytes)'],
  },
  { name: 'kind', left: [INT], right: [INT, pointer(1)], link: ['', 'int', 'int *'] },
  {
    name: 'target of a pointer',
    left: [INT, pointer(1)],
    right: [LONG, pointer(1)],
    link: ['', 'int *', 'long *'],
  },
  { name: 'void * and int *', left: [pointer(0)], right: [INT, pointer(1)], link: ['', 'void *', 'int *'] },
  {
    name: 'name of a struct',
    left: [INT, struct('a', 4, member('m', 1, 0))],
    right: [INT, struct('b', 4, member('m', 1, 0))],
    link: ['', 'struct a', 'struct b'],
  },
  {
    name: 'struct and union',
    left: [INT, struct('a', 4)],
    right: [INT, { kind: 'union', name: 'a', size: 4, members: [] }],
    link: ['', 'struct a', 'union a'],
  },
  {
    name: 'number of members',
    left: [INT, struct('a', 8, member('m', 1, 0))],
    right: [INT, struct('a', 8, member('m', 1, 0), member('n', 1, 4))],
    link: ['', 'struct a: 1 member', 'struct a: 2 members'],
  },
  {
    name: 'size of a struct',
    left: [INT, struct('a', 8, member('m', 1, 0))],
    right: [INT, struct('a', 12, member('m', 1, 0))],
    link: ['', 'struct a: 8 bytes', 'struct a: 12 bytes'],
  },
  {
    name: 'name of a member',
    left: [INT, struct('a', 4, member('m', 1, 0))],
    right: [INT, struct('a', 4, member('n', 1, 0))],
    link: ['', 'struct a: member 1 is m', 'struct a: member 1 is n'],
  },
  {
    name: 'offset of a member',
    left: [INT, struct('a', 8, member('m', 1, 0))],
    right: [INT, struct('a', 8, member('m', 1, 4))],
    link: ['', 'struct a: m at byte 0', 'struct a: m at byte 4'],
  },
  {
    name: 'width of a bit field',
    left: [INT, struct('a', 4, { name: 'm', type: 1, bitOffset: 1, bitSize: 3 })],
    right: [INT, struct('a', 4, { name: 'm', type: 1, bitOffset: 1, bitSize: 4 })],
    link: ['', 'struct a: m of 3 bits', 'struct a: m of 4 bits'],
  },
  {
    name: 'type of a member',
    left: [INT, flow(1)],
    right: [{ ...INT, name: 'short', size: 2, bits: 16 }, flow(1)],
    link: ['struct flow: member "port"', 'int', 'short'],
  },
  {
    name: 'member of a parameter by value',
    left: [INT, flow(1), proto(2), func(3)],
    right: [INT, CHAR, flow(2), proto(3), func(4)],
    link: ['parameter 1: struct flow: member "port"', 'int', 'char'],
  },
  {
    name: 'member of an array of structs in a struct',
    left: [INT, flow(1), array(2, 2), struct('outer', 8, member('flows', 3, 0))],
    right: [INT, CHAR, flow(2), array(3, 2), struct('outer', 8, member('flows', 4, 0))],
    link: ['struct outer: member "flows": struct flow: member "port"', 'int', 'char'],
  },
  {
    name: 'members behind a pointer',
    left: [INT, flow(1), pointer(2)],
    right: [CHAR, flow(1), pointer(2)],
    strict: ['struct flow: member "port"', 'int', 'char'],
  },
  {
    name: 'a struct of another name behind a pointer',
    left: [INT, struct('a', 4), pointer(2), proto(3), func(4)],
    right: [INT, struct('b', 4), pointer(2), proto(3), func(4)],
    link: ['parameter 1', 'struct a *', 'struct b *'],
  },
  {
    name: 'forward declaration and struct',
    left: [{ kind: 'fwd', name: 'a', union: false }, pointer(1)],
    right: [struct('a', 4), pointer(1)],
  },
  {
    name: 'forward declaration and struct as a whole',
    left: [{ kind: 'fwd', name: 'a', union: false }, variable(1, 'extern')],
    right: [struct('a', 4), variable(1)],
  },
  {
    name: 'forward declaration of a union and struct',
    left: [{ kind: 'fwd', name: 'a', union: true }, pointer(1)],
    right: [struct('a', 4), pointer(1)],
    link: ['', 'union a *', 'struct a *'],
  },
  {
    name: 'forward declarations of a union and of a struct',
    left: [{ kind: 'fwd', name: 'a', union: true }, pointer(1)],
    right: [{ kind: 'fwd', name: 'a', union: false }, pointer(1)],
    link: ['', 'union a *', 'struct a *'],
  },
  {
    name: 'bool and a number of one byte',
    left: [{ ...UNSIGNED, name: '_Bool', size: 1, bits: 8, bool: true }],
    right: [{ ...UNSIGNED, name: 'unsigned char', size: 1, bits: 8 }],
    strict: ['', '_Bool', 'unsigned char'],
  },
  {
    name: 'enumerators',
    left: [enumOf('e', 4, ['A', 1n])],
    right: [enumOf('e', 4, ['A', 2n])],
    strict: ['', 'enum e: A = 1', 'enum e: A = 2'],
  },
  {
    name: 'missing enumerators',
    left: [enumOf('e', 4, ['A', 1n], ['B', 2n])],
    right: [enumOf('e', 4, ['A', 1n])],
    strict: ['', 'enum e: B = 2', 'enum e: no B'],
  },
  {
    name: 'more enumerators',
    left: [enumOf('e', 4, ['A', 1n])],
    right: [enumOf('e', 4, ['A', 1n], ['B', 2n])],
    strict: ['', 'enum e: 1 values', 'enum e: 2 values'],
  },
  { name: 'declared enum', left: [enumOf('e', 4)], right: [enumOf('e', 8, ['A', 1n])] },
  {
    name: 'size of enums',
    left: [enumOf('e', 4, ['A', 1n])],
    right: [enumOf('e', 8, ['A', 1n])],
    link: ['', 'enum e (enum e of 4 bytes)', 'enum e (enum e of 8 bytes)'],
  },
  {
    name: 'name of enums',
    left: [enumOf('e', 4, ['A', 1n])],
    right: [enumOf('f', 4, ['A', 1n])],
    link: ['', 'enum e', 'enum f'],
  },
  {
    name: 'float',
    left: [{ kind: 'float', name: 'double', size: 8 }],
    right: [{ kind: 'float', name: 'float', size: 4 }],
    link: ['', 'double', 'float'],
  },
  {
    name: 'array without a length',
    left: [INT, array(1, 0), variable(2, 'extern')],
    right: [INT, array(1, 4), variable(2)],
    strict: ['', 'extern int v[]', 'int v[4]'],
  },
  {
    name: 'length of an array',
    left: [INT, array(1, 3), variable(2, 'extern')],
    right: [INT, array(1, 4), variable(2)],
    link: ['', 'extern int v[3]', 'int v[4]'],
  },
  {
    name: 'elements of an array',
    left: [INT, array(1, 3)],
    right: [INT, LONG, array(2, 3)],
    link: ['', 'int[3]', 'long[3]'],
  },
  {
    name: 'number of parameters',
    left: [INT, proto(1), func(2)],
    right: [INT, proto(1, 1), func(2)],
    link: ['', 'int f(int p0)', 'int f(int p0, int p1)'],
  },
  {
    name: 'type of a parameter',
    left: [INT, proto(1, 1), func(2)],
    right: [INT, LONG, proto(1, 2), func(3)],
    link: ['parameter 2', 'int', 'long'],
  },
  {
    name: 'return type',
    left: [INT, { kind: 'func_proto', returns: 1, params: [] }, func(2)],
    right: [LONG, { kind: 'func_proto', returns: 1, params: [] }, func(2)],
    link: ['return type', 'int', 'long'],
  },
  {
    name: 'parameter of a function pointer',
    left: [INT, proto(1), pointer(2), proto(1, 3), func(4)],
    right: [INT, LONG, proto(2), pointer(3), proto(1, 4), func(5)],
    link: ['parameter 2: parameter 1', 'int', 'long'],
  },
  {
    name: 'parameter and ...',
    left: [INT, proto(1, 0), func(2)],
    right: [INT, proto(1, 1), func(2)],
    link: ['parameter 2', 'void', 'int'],
  },
  { name: 'extern and global', left: [INT, variable(1, 'extern')], right: [INT, variable(1)] },
  {
    name: 'static and global',
    left: [INT, proto(), func(2, 'static')],
    right: [INT, proto(), func(2)],
    link: ['', 'static int f(void)', 'int f(void)'],
  },
  {
    name: 'function and variable',
    left: [INT, proto(), func(2)],
    right: [INT, variable(1)],
    link: ['', 'int f(void)', 'int v'],
  },
  {
    name: 'type tags',
    left: [INT, { kind: 'type_tag', name: 'kptr', type: 1, attribute: false }, pointer(2)],
    right: [INT, pointer(1)],
    strict: ['', '__attribute__((btf_type_tag("kptr"))) int: tags "kptr"', 'int: no tags'],
  },
];

/** Declaration tags come after what they tag, so these compare another type than the last. */
const TAGGED: readonly Pair[] = [
  {
    name: 'tags of parameters',
    id: 4,
    left: [INT, pointer(1), proto(2), func(3), declTag('arg:nonnull', 4, 0)],
    right: [INT, pointer(1), proto(2), func(3)],
    strict: ['', 'int f(int *p0): tags "arg:nonnull (parameter 1)"', 'int f(int *p0): no tags'],
  },
  {
    name: 'the same tags in another order',
    id: 2,
    left: [INT, struct('s', 4), declTag('a', 2), declTag('b', 2)],
    right: [INT, struct('s', 4), declTag('b', 2), declTag('a', 2)],
  },
];

function outcome(left: RawBtf, leftId: number, right: RawBtf, rightId: number, strict: boolean) {
  const mismatch = compareTypes(left, leftId, right, rightId, { strict });
  return mismatch === null ? undefined : [mismatch.path, mismatch.left, mismatch.right];
}

describe('compareTypes', () => {
  test.for([...PAIRS, ...TAGGED])('$name', pair => {
    const left = typesOf(...pair.left);
    const right = typesOf(...pair.right);
    const leftId = pair.id ?? left.count;
    const rightId = pair.id ?? right.count;
    expect(outcome(left, leftId, right, rightId, false)).toEqual(pair.link);
    expect(outcome(left, leftId, right, rightId, true)).toEqual(pair.strict ?? pair.link);
  });

  test('is symmetric about whether', () => {
    for (const pair of PAIRS) {
      const left = typesOf(...pair.left);
      const right = typesOf(...pair.right);
      for (const strict of [false, true]) {
        const there = compareTypes(left, left.count, right, right.count, { strict }) === null;
        const back = compareTypes(right, right.count, left, left.count, { strict }) === null;
        expect(back, pair.name).toBe(there);
      }
    }
  });

  test('ends for types that refer to themselves', () => {
    const list = (size: number): RawBtf =>
      typesOf(
        struct('list', size, member('next', 2, 0), member('f', 4, 8)),
        pointer(1),
        {
          kind: 'func_proto',
          returns: 4,
          params: [{ name: 'l', type: 2 }],
        },
        pointer(3),
      );
    expect(outcome(list(16), 1, list(16), 1, true)).toBeUndefined();
    expect(outcome(list(16), 1, list(24), 1, true)).toEqual([
      '',
      'struct list: 16 bytes',
      'struct list: 24 bytes',
    ]);
  });

  test('gives up on circles of different lengths', () => {
    const circle = (length: number): RawBtf =>
      typesOf(
        ...Array.from({ length }, (_, i) => [
          struct('s', 8, member('next', 2 * i + 2, 0)),
          pointer(i === length - 1 ? 1 : 2 * i + 3),
        ]).flat(),
      );
    expect(outcome(circle(700), 1, circle(699), 1, true)).toBeUndefined();
    const error = errorOf(() => compareTypes(circle(1500), 1, circle(1499), 1, { strict: true }));
    expect(error.code).toBe('btf-compare-limit');
  });

  test('compares shared parts once', () => {
    const types: BtfType[] = [INT];
    for (let level = 0; level < 200; level++) {
      types.push(struct(`s${level}`, 0, member('a', types.length + 2, 0), member('b', types.length + 2, 0)));
    }
    types.push({ kind: 'array', element: 1, index: 1, length: 0 });
    const btf = typesOf(...types);
    expect(outcome(btf, 2, btf, 2, false)).toBeUndefined();
  });
});

needs('clang').test('a difference deep in compiled types is found where it is', () => {
  const source = (type: string): string => `
    struct in { short a; union { ${type} b; long c; }; };
    struct out { struct in *first; struct in second[2]; };
    int use(struct out out, int (*f)(struct out *)) { return f(&out); }
  `;
  const left = compiledTypes(source('int'));
  const right = compiledTypes(source('long'));
  const [a, b] = [idOf(left, 'func', 'use'), idOf(right, 'func', 'use')];
  expect(compareTypes(left, a, right, b)).toEqual({
    path: 'parameter 1: struct out: member "second": struct in: member 2: member "b"',
    left: 'int',
    right: 'long',
  });
  expect(compareTypes(left, a, left, a, { strict: true })).toBeNull();
});
