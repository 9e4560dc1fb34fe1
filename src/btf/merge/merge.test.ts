/** What is one type, what stays apart, and what survives; by hand and against a slow, obvious algorithm. */

import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../test/hostile/random.ts';
import { encodeBtf } from '../binary/encode.ts';
import { formatDefinition } from '../c/format.ts';
import type { RawBtf } from '../model/raw.ts';
import {
  CHAR,
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
import type { BtfMember, BtfType } from '../model/types.ts';
import type { MergeInput } from './input.ts';
import { type MergeResult, mergeBtf } from './merge.ts';

const fwd = (name: string, union = false): BtfType => ({ kind: 'fwd', name, union });
const typedef = (name: string, type: number): BtfType => ({ kind: 'typedef', name, type });
const enumOf = (name: string, ...values: readonly string[]): BtfType => ({
  kind: 'enum',
  name,
  size: 4,
  signed: false,
  values: values.map((label, index) => ({ name: label, value: BigInt(index) })),
});
const proto = (returns: number, ...params: readonly number[]): BtfType => ({
  kind: 'func_proto',
  returns,
  params: params.map((type, index) => ({ name: `p${index}`, type })),
});
const func = (name: string, type: number, linkage: 'static' | 'global' | 'extern' = 'global'): BtfType => ({
  kind: 'func',
  name,
  type,
  linkage,
});
const variable = (
  name: string,
  type: number,
  linkage: 'static' | 'global' | 'extern' = 'global',
): BtfType => ({
  kind: 'var',
  name,
  type,
  linkage,
});
const tag = (name: string, type: number, component = -1): BtfType => ({
  kind: 'decl_tag',
  name,
  type,
  component,
  attribute: false,
});

function merge(...inputs: readonly (RawBtf | MergeInput)[]): MergeResult {
  return mergeBtf(inputs.map(input => ('btf' in input ? input : { btf: input })));
}

function typesIn({ btf }: MergeResult): BtfType[] {
  return Array.from({ length: btf.count }, (_, index) => btf.type(index + 1));
}

/** The ids as plain arrays, without the 0 for void. */
function idsOf(result: MergeResult): number[][] {
  return result.ids.map(ids => Array.from(ids).slice(1));
}

interface IdentityCase {
  readonly name: string;
  readonly left: readonly BtfType[];
  readonly right: readonly BtfType[];
  /** New ids of the types on the right. */
  readonly ids: readonly number[];
}

const LIST = [struct('list', 16, member('next', 2, 0), member('data', 3, 8)), pointer(1)];

const IDENTITY: readonly IdentityCase[] = [
  { name: 'equal ints', left: [INT], right: [INT], ids: [1] },
  { name: 'ints of other names', left: [INT], right: [{ ...INT, name: 'i' }], ids: [2] },
  { name: 'ints of other signedness', left: [INT], right: [{ ...INT, signed: false }], ids: [2] },
  { name: 'ints of other sizes', left: [INT], right: [{ ...INT, size: 8 }], ids: [2] },
  {
    name: 'floats',
    left: [{ kind: 'float', name: 'f', size: 4 }],
    right: [
      { kind: 'float', name: 'f', size: 8 },
      { kind: 'float', name: 'f', size: 4 },
    ],
    ids: [2, 1],
  },
  {
    name: 'chains of references',
    left: [INT, pointer(1), { kind: 'const', type: 2 }],
    right: [INT, pointer(1), { kind: 'const', type: 2 }],
    ids: [1, 2, 3],
  },
  { name: 'pointers to different types', left: [INT, pointer(1)], right: [LONG, pointer(1)], ids: [3, 4] },
  {
    name: 'kinds',
    left: [INT, { kind: 'const', type: 1 }],
    right: [INT, { kind: 'volatile', type: 1 }],
    ids: [1, 3],
  },
  { name: 'typedefs by name', left: [INT, typedef('a', 1)], right: [INT, typedef('b', 1)], ids: [1, 3] },
  { name: 'typedefs by target', left: [INT, typedef('a', 1)], right: [LONG, typedef('a', 1)], ids: [3, 4] },
  {
    name: 'arrays by length',
    left: [INT, { kind: 'array', element: 1, index: 1, length: 2 }],
    right: [INT, { kind: 'array', element: 1, index: 1, length: 3 }],
    ids: [1, 3],
  },
  {
    name: 'arrays by element, inside equal structs',
    left: [INT, { kind: 'array', element: 1, index: 1, length: 2 }, struct('s', 8, member('m', 2, 0))],
    right: [INT, CHAR, { kind: 'array', element: 2, index: 1, length: 2 }, struct('s', 8, member('m', 3, 0))],
    ids: [1, 4, 5, 6],
  },
  {
    name: 'arrays by index type',
    left: [INT, { kind: 'array', element: 1, index: 1, length: 2 }],
    right: [INT, UNSIGNED, { kind: 'array', element: 1, index: 2, length: 2 }],
    ids: [1, 3, 4],
  },
  { name: 'structs by name', left: [struct('a', 4)], right: [struct('b', 4)], ids: [2] },
  { name: 'structs by size', left: [struct('a', 4)], right: [struct('a', 8)], ids: [2] },
  {
    name: 'struct and union',
    left: [struct('a', 4)],
    right: [{ kind: 'union', name: 'a', size: 4, members: [] }],
    ids: [2],
  },
  {
    name: 'unnamed structs',
    left: [INT, struct('', 4, member('m', 1, 0))],
    right: [INT, struct('', 4, member('m', 1, 0))],
    ids: [1, 2],
  },
  {
    name: 'members by name',
    left: [INT, struct('a', 4, member('m', 1, 0))],
    right: [INT, struct('a', 4, member('n', 1, 0))],
    ids: [1, 3],
  },
  {
    name: 'members by offset',
    left: [INT, struct('a', 8, member('m', 1, 0))],
    right: [INT, struct('a', 8, member('m', 1, 4))],
    ids: [1, 3],
  },
  {
    name: 'members by type',
    left: [INT, struct('a', 4, member('m', 1, 0))],
    right: [UNSIGNED, struct('a', 4, member('m', 1, 0))],
    ids: [3, 4],
  },
  {
    name: 'structs that point to themselves',
    left: [...LIST, INT].map(fixData),
    right: [...LIST, INT].map(fixData),
    ids: [1, 2, 3],
  },
  {
    name: 'structs in another order of ids',
    left: [...LIST, INT].map(fixData),
    right: [INT, pointer(3), struct('list', 16, member('next', 2, 0), member('data', 1, 8))],
    ids: [3, 2, 1],
  },
  {
    name: 'structs that point to themselves and differ elsewhere',
    left: [...LIST, INT].map(fixData),
    right: [...LIST, UNSIGNED].map(fixData),
    ids: [4, 5, 6],
  },
  { name: 'enums', left: [enumOf('e', 'A')], right: [enumOf('e', 'B'), enumOf('e', 'A')], ids: [2, 1] },
  { name: 'enum that is only declared', left: [enumOf('e')], right: [enumOf('e', 'A')], ids: [1] },
  {
    name: 'enum that is only declared, of another kind',
    left: [enumOf('e', 'A')],
    right: [{ kind: 'enum64', name: 'e', size: 8, signed: true, values: [] }],
    ids: [1],
  },
  { name: 'enum that is only declared, twice', left: [enumOf('e')], right: [enumOf('e')], ids: [1] },
  {
    name: 'enum that is only declared, with two definitions',
    left: [enumOf('e'), enumOf('e', 'A')],
    right: [enumOf('e', 'B'), enumOf('e')],
    ids: [3, 1],
  },
  { name: 'unnamed enums', left: [enumOf('', 'A')], right: [enumOf('', 'A'), enumOf('', 'B')], ids: [1, 2] },
  { name: 'prototypes', left: [INT, proto(1, 1)], right: [INT, proto(1, 1)], ids: [1, 2] },
  { name: 'prototypes by result', left: [INT, proto(1, 1)], right: [INT, proto(0, 1)], ids: [1, 3] },
  {
    name: 'prototypes by names of parameters',
    left: [INT, proto(1, 1)],
    right: [INT, { kind: 'func_proto', returns: 1, params: [{ name: 'x', type: 1 }] }],
    ids: [1, 3],
  },
  {
    name: 'type tags',
    left: [INT, { kind: 'type_tag', name: 'a', type: 1, attribute: false }],
    right: [INT, { kind: 'type_tag', name: 'a', type: 1, attribute: true }],
    ids: [1, 3],
  },
  { name: 'global functions', left: [proto(0), func('f', 1)], right: [proto(0), func('f', 1)], ids: [1, 3] },
  {
    name: 'static functions',
    left: [proto(0), func('f', 1, 'static')],
    right: [proto(0), func('f', 1, 'static')],
    ids: [1, 3],
  },
  { name: 'variables', left: [INT, variable('v', 1)], right: [INT, variable('v', 1)], ids: [1, 3] },
  {
    name: 'tags on different variables',
    left: [INT, variable('v', 1), tag('t', 2)],
    right: [INT, variable('v', 1), tag('t', 2)],
    ids: [1, 4, 5],
  },
  {
    name: 'equal structs with equal tags',
    left: [struct('s', 4), tag('a', 1), tag('b', 1)],
    right: [struct('s', 4), tag('b', 1), tag('a', 1)],
    ids: [1, 3, 2],
  },
  {
    name: 'equal structs with different tags',
    left: [struct('s', 4), tag('a', 1)],
    right: [struct('s', 4), tag('b', 1)],
    ids: [3, 4],
  },
  {
    name: 'equal structs, one with a tag',
    left: [struct('s', 4)],
    right: [struct('s', 4), tag('a', 1)],
    ids: [2, 3],
  },
  {
    name: 'users of structs with different tags',
    left: [struct('s', 4), pointer(1)],
    right: [struct('s', 4), pointer(1), tag('a', 1)],
    ids: [3, 4, 5],
  },
  {
    name: 'forward declaration and struct',
    left: [fwd('s'), pointer(1)],
    right: [struct('s', 4), pointer(1)],
    ids: [2, 1],
  },
  {
    name: 'struct and forward declaration',
    left: [struct('s', 4), pointer(1)],
    right: [fwd('s'), pointer(1)],
    ids: [1, 2],
  },
  { name: 'forward declarations', left: [fwd('s')], right: [fwd('s'), fwd('s', true)], ids: [1, 2] },
  {
    name: 'forward declaration of a union and struct',
    left: [struct('s', 4)],
    right: [fwd('s', true)],
    ids: [2],
  },
  {
    name: 'forward declaration of one of two structs',
    left: [struct('s', 4), fwd('s'), pointer(2)],
    right: [struct('s', 8), pointer(3), fwd('s')],
    ids: [4, 3, 2],
  },
  {
    name: 'forward declaration of structs that turn out to differ deep inside',
    left: [INT, typedef('t', 1), struct('s', 8, member('p', 4, 0)), pointer(2), fwd('s')],
    right: [LONG, typedef('t', 1), struct('s', 8, member('p', 4, 0)), pointer(2), fwd('s')],
    ids: [6, 7, 8, 9, 5],
  },
  {
    name: 'structs whose members were only declared in one file',
    left: [fwd('in'), pointer(1), struct('out', 8, member('p', 2, 0))],
    right: [struct('in', 4), pointer(1), struct('out', 8, member('p', 2, 0))],
    ids: [3, 1, 2],
  },
];

/** In `LIST`, `data` is type 3. */
function fixData(type: BtfType): BtfType {
  return type.kind === 'struct' ? { ...type, size: 16 } : type;
}

describe('identity', () => {
  test.for(IDENTITY)('$name', ({ left, right, ids }) => {
    const result = merge(typesOf(...left), typesOf(...right));
    const [, second] = idsOf(result);
    expect(second).toEqual(ids);
    expect(result.before).toBe(left.length + right.length);
    expect(result.after).toBe(result.btf.count);
  });

  test('the full definition survives in the place of its own', () => {
    const result = merge(typesOf(INT, fwd('s'), pointer(2)), typesOf(struct('s', 4), enumOf('e', 'A')));
    expect(typesIn(result)).toEqual([INT, pointer(3), struct('s', 4), enumOf('e', 'A')]);
    expect(idsOf(result)).toEqual([
      [1, 3, 2],
      [3, 4],
    ]);
  });

  test('a tag stays with what it tags', () => {
    const result = merge(
      typesOf(INT, struct('s', 4, member('m', 1, 0))),
      typesOf(INT, struct('s', 4, member('m', 1, 0)), tag('t', 2, 0)),
    );
    expect([2, 3].map(id => formatDefinition(result.btf, id).includes('"t"'))).toEqual([false, true]);
  });

  test('types inside one input are merged too', () => {
    const result = merge(typesOf(INT, INT, pointer(2), pointer(1)));
    expect(idsOf(result)).toEqual([[1, 1, 2, 2]]);
  });
});

describe('selection', () => {
  const btf = typesOf(
    INT, // 1
    proto(1, 1), // 2
    func('f', 2), // 3
    tag('on f', 3, 0), // 4
    struct('used', 4, member('m', 1, 0)), // 5
    tag('on used', 5), // 6
    pointer(5), // 7
    variable('v', 7), // 8
    { kind: 'datasec', name: '.data', size: 8, vars: [{ type: 8, offset: 0, size: 8 }] }, // 9
    struct('unused', 0), // 10
  );

  test('leaves data sections out', () => {
    expect(idsOf(merge(btf))).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 0, 9]]);
  });

  test('leaves out what is excluded, and tags on that', () => {
    expect(idsOf(merge({ btf, omit: new Set([3, 10]) }))).toEqual([[1, 2, 0, 0, 3, 4, 5, 6, 0, 0]]);
  });

  test('keeps what roots reach, and tags on that', () => {
    expect(idsOf(merge({ btf, roots: [8] }))).toEqual([[1, 0, 0, 0, 2, 3, 4, 5, 0, 0]]);
    expect(idsOf(merge({ btf, roots: [3] }))).toEqual([[1, 2, 3, 4, 0, 0, 0, 0, 0, 0]]);
    expect(idsOf(merge({ btf, roots: [] }))).toEqual([Array(10).fill(0)]);
  });

  test('redirects to another input and drops the tags of the loser', () => {
    const extern = typesOf(INT, proto(1, 1), func('f', 2, 'extern'), tag('of the extern', 3, 0));
    const redirect = new Map([[3, { input: 1, id: 3 }]]);
    const result = merge({ btf: extern, redirect }, btf);
    expect(idsOf(result)[0]).toEqual([1, 2, idsOf(result)[1]?.[2], 0]);
    expect(typesIn(result).filter(type => type.kind === 'func' || type.kind === 'decl_tag')).toEqual([
      func('f', 2),
      tag('on f', 3, 0),
      tag('on used', 5),
    ]);
  });

  test('redirects over several inputs, and keeps the end alive', () => {
    const extern = typesOf(INT, proto(1, 1), func('f', 2, 'extern'));
    const result = merge(
      { btf: extern, roots: [3], redirect: new Map([[3, { input: 1, id: 3 }]]) },
      { btf: extern, roots: [], redirect: new Map([[3, { input: 2, id: 3 }]]) },
      { btf, roots: [] },
    );
    expect(typesIn(result)).toEqual([INT, proto(1, 1), func('f', 2), tag('on f', 3, 0)]);
    expect(idsOf(result).map(ids => ids[2])).toEqual([3, 3, 3]);
  });

  test('refuses what callers must not ask for', () => {
    const circle = { btf, redirect: new Map([[3, { input: 0, id: 3 }]]) };
    expect(errorOf(() => merge(circle)).code).toBe('bug-invariant');
    expect(errorOf(() => merge({ btf, omit: new Set([1]) })).code).toBe('bug-invariant');
  });

  test('of nothing is nothing', () => {
    expect(merge()).toMatchObject({ before: 0, after: 0, ids: [] });
    expect(encodeBtf(merge(typesOf()).btf, 'little').length).toBe(25);
  });
});

// --- random types -------------------------------------------------------------------------------------------------

const KINDS = ['int', 'struct', 'ptr', 'ptr', 'typedef', 'const', 'array', 'proto'];

/** Types with few names, so that many are equal and many only look equal. */
function randomTypes(random: SeededRandom, count: number, extra: readonly string[]): BtfType[] {
  const kinds = Array.from({ length: count }, () => random.pick([...KINDS, ...extra]));
  const name = (): string => random.pick(['a', 'b']);
  const ids = (...wanted: readonly string[]): number[] =>
    kinds.flatMap((kind, index) => (wanted.includes(kind) ? [index + 1] : []));
  const or0 = (candidates: readonly number[]): number =>
    candidates.length === 0 ? 0 : random.pick(candidates);
  return kinds.map((kind, index) => {
    const before = Array.from({ length: index }, (_, i) => i + 1);
    // Circles only through structs, as in C.
    const target = (): number => or0([...before, ...ids('struct', 'fwd')]);
    const sized = before.filter(id => kinds[id - 1] === 'ptr' || kinds[id - 1] === 'int');
    switch (kind) {
      case 'int':
        return { ...INT, signed: random.below(2) === 0 };
      case 'ptr':
        return pointer(target());
      case 'fwd':
        return fwd(name());
      case 'typedef':
        return typedef(name(), target());
      case 'const':
        return { kind: 'const', type: target() };
      case 'array': {
        const [element, position] = [or0(sized), or0(before.filter(id => kinds[id - 1] === 'int'))];
        if (element === 0 || position === 0) return INT;
        return { kind: 'array', element, index: position, length: 1 + random.below(2) };
      }
      case 'proto': {
        const parameter = or0(before.filter(id => kinds[id - 1] !== 'proto' || id % 2 === 0));
        return proto(or0(before), ...(parameter === 0 ? [] : [parameter]));
      }
      default: {
        const pointers = ids('ptr');
        const members: BtfMember[] = Array.from({ length: random.below(3) }, (_, i) =>
          member(name(), or0(pointers), 8 * i),
        ).filter(each => each.type !== 0);
        return struct(name(), 16, ...members);
      }
    }
  });
}

/** Classes of equal types, by comparing every pair again until nothing changes. */
function slowClasses(types: readonly BtfType[]): number[] {
  const references = (type: BtfType): number[] => {
    switch (type.kind) {
      case 'ptr':
      case 'const':
      case 'typedef':
        return [type.type];
      case 'array':
        return [type.element, type.index];
      case 'struct':
        return type.members.map(each => each.type);
      case 'func_proto':
        return [type.returns, ...type.params.map(param => param.type)];
      default:
        return [];
    }
  };
  const own = types.map(type =>
    JSON.stringify(type, (key, value) =>
      key === 'type' || key === 'element' || key === 'index' || key === 'returns' ? undefined : value,
    ),
  );
  let classes = own.map(text => own.indexOf(text) + 1);
  for (;;) {
    const classOf = (id: number): number => (id === 0 ? 0 : (classes[id - 1] ?? 0));
    const keys = types.map((type, index) => [classes[index], ...references(type).map(classOf)].join());
    const next = keys.map(key => keys.indexOf(key) + 1);
    if (next.every((value, index) => value === classes[index])) return classes;
    classes = next;
  }
}

/** Types that keep the rules; others are drawn again. */
function randomBtf(
  random: SeededRandom,
  count: number,
  ...extra: readonly string[]
): { btf: RawBtf; types: BtfType[] } {
  for (;;) {
    const types = randomTypes(random, count, extra);
    try {
      return { btf: typesOf(...types), types };
    } catch {
      // A circle without a struct; draw again.
    }
  }
}

describe('random types', () => {
  test('are merged exactly where a slow algorithm merges them', () => {
    let merged = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const { btf, types } = randomBtf(new SeededRandom(seed), 4 + (seed % 40));
      const ids = Array.from(merge(btf).ids[0] ?? []).slice(1);
      const classes = slowClasses(types);
      const expected = classes.map(first => ids[first - 1]);
      expect(ids, `seed ${seed}`).toEqual(expected);
      expect(new Set(ids).size, `seed ${seed}`).toBe(new Set(classes).size);
      merged += types.length - new Set(classes).size;
    }
    expect(merged).toBeGreaterThan(1000);
  });

  test('are complete after one merge, whatever else comes along', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = new SeededRandom(seed);
      const inputs = [20, 30, 10].map(count => randomBtf(random, count, 'fwd').btf);
      const once = merge(...inputs);
      const bytes = encodeBtf(once.btf, 'little');
      expect(encodeBtf(merge(once.btf).btf, 'little'), `seed ${seed}: again`).toEqual(bytes);
      expect(encodeBtf(merge(once.btf, ...inputs).btf, 'little'), `seed ${seed}: with its parts`).toEqual(
        bytes,
      );
      expect(encodeBtf(merge(...inputs).btf, 'little'), `seed ${seed}: repeated`).toEqual(bytes);
    }
  });
});

describe('size does not matter', () => {
  test('long chains that differ at their ends', () => {
    const chain = (end: BtfType, length: number): RawBtf => {
      const types: BtfType[] = [];
      for (let i = 0; i < length; i++)
        types.push(struct('s', 8, member('next', 2 * i + 2, 0)), pointer(2 * i + 3));
      return typesOf(...types, end);
    };
    const length = 50_000;
    const result = merge(chain(INT, length), chain(LONG, length), chain(INT, length));
    expect(result.after).toBe(2 * (2 * length + 1));
  });

  test('many copies', () => {
    const types: BtfType[] = [INT];
    for (let i = 0; i < 30; i++) {
      types.push(
        pointer(types.length + 2),
        struct(`s${i}`, 16, member('self', types.length + 1, 0), member('n', 1, 8)),
      );
    }
    const copies = Array.from({ length: 3000 }, () => typesOf(...types));
    expect(merge(...copies).after).toBe(61);
  });

  test('a struct that refers to the whole of two chains', () => {
    const types: BtfType[] = [];
    const half = 3000;
    for (let i = 0; i < half; i++) types.push(pointer(i === 0 ? 2 * half + 3 : i));
    for (let i = 0; i < half; i++) types.push(pointer(i === 0 ? 2 * half + 4 : half + i));
    for (const from of [0, half]) {
      const members = Array.from({ length: half }, (_, i) => member('m', from + i + 1, 8 * i));
      types.push(struct('hub', 8 * half, ...members));
    }
    types.push(INT, LONG);
    const btf = typesOf(...types);
    expect(merge(btf).after).toBe(btf.count);
    expect(idOf(merge(btf).btf, 'struct', 'hub')).toBeGreaterThan(0);
  });
});
