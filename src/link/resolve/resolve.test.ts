import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { readObject } from '../../object/read/read.ts';
import { writeObject } from '../../object/write/write.ts';
import { link } from '../link.ts';

/** What one file may say about the name. */
const ROLES = ['extern', 'weak extern', 'weak', 'strong', 'nothing'] as const;
type Role = (typeof ROLES)[number] | 'plain extern';

/** Kinds of names: how they are declared and defined, and whether the kernel may have them. */
const KINDS = [
  { what: 'functions', declared: 'extern function', defined: 'function', ofKernel: false },
  { what: 'variables', declared: 'extern variable', defined: 'variable', ofKernel: false },
  { what: 'maps', declared: 'extern map', defined: 'map', ofKernel: false },
  { what: 'configuration values', declared: 'kconfig', defined: 'variable', ofKernel: true },
  { what: 'kernel variables', declared: 'ksym', defined: 'variable', ofKernel: true },
  { what: 'kernel functions', declared: 'kfunc', defined: 'function', ofKernel: true },
] as const;
type Kind = (typeof KINDS)[number];

function specOf({ declared, defined }: Kind, role: Role): SymbolSpec[] {
  const name = 'foo';
  switch (role) {
    case 'extern':
      return [{ name, kind: declared }];
    case 'weak extern':
      return [{ name, kind: declared, binding: 'weak' }];
    case 'plain extern':
      return [{ name, kind: `extern ${defined}` }];
    case 'weak':
      return [{ name, kind: defined, binding: 'weak' }];
    case 'strong':
      return [{ name, kind: defined }];
    case 'nothing':
      return [];
  }
}

/** What an ELF linker does: the file that `foo` is from, 'open' when it stays a reference, or the error. */
function expected({ ofKernel }: Kind, roles: readonly Role[]): string {
  const strong = roles.flatMap((role, file) => (role === 'strong' ? [file] : []));
  const weak = roles.flatMap((role, file) => (role === 'weak' ? [file] : []));
  if (strong.length > 1) return 'link-duplicate';
  const winner = strong[0] ?? weak[0];
  if (winner !== undefined) return `f${winner}.o`;
  const declared = roles.includes('extern') || roles.includes('weak extern');
  if (ofKernel && declared) return 'open';
  if (roles.includes('extern') || roles.includes('plain extern')) return 'link-undefined';
  return declared ? 'open' : 'absent';
}

/** All definitions are the same; the report and the symbol itself show which one it is. */
function outcome(objects: readonly BpfObject[]): string {
  const result = link(objects);
  if (!result.ok) return result.problems.map(problem => problem.code).join(' ');
  const found = result.object.symbols.filter(symbol => symbol.name === 'foo');
  expect(found.length).toBeLessThanOrEqual(1);
  const [symbol] = found;
  if (symbol === undefined) return 'absent';
  if (symbol.kind === 'extern') return 'open';
  expect(result.report.symbols.find(reported => reported.name === 'foo')?.file).toBe(symbol.origin.file);
  return symbol.origin.file;
}

function* sequences(roles: readonly Role[], length: number): Generator<Role[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const rest of sequences(roles, length - 1)) for (const role of roles) yield [...rest, role];
}

describe('every permutation of extern, weak and strong', () => {
  for (const kind of KINDS) {
    for (const files of [1, 2, 3, 4]) {
      test(`${kind.what} in ${files} file(s)`, () => {
        const all: readonly Role[] = kind.ofKernel ? [...ROLES, 'plain extern'] : ROLES;
        for (const roles of sequences(all, files)) {
          const objects = roles.map((role, file) => objectOf(`f${file}.o`, specOf(kind, role)));
          expect(outcome(objects), roles.join(', ')).toBe(expected(kind, roles));
        }
      });
    }
  }
});

test('what one file says is in the kernel stays there, whoever else declares it', () => {
  const files = [
    objectOf('plain.o', [{ name: 'foo', kind: 'extern function' }]),
    objectOf('kernel.o', [{ name: 'foo', kind: 'kfunc', binding: 'weak' }]),
  ];
  for (const inputs of [files, [...files].reverse()]) {
    const result = link(inputs);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const foo = result.object.symbols.find(symbol => symbol.name === 'foo');
    expect(foo).toMatchObject({ kind: 'extern', section: '.ksyms', binding: 'global' });
  }
});

test('a configuration value is not a kernel symbol', () => {
  const files = [
    objectOf('a.o', [{ name: 'foo', kind: 'ksym' }]),
    objectOf('b.o', [{ name: 'foo', kind: 'kconfig' }]),
  ];
  const result = link(files);
  expect(!result.ok && result.problems.map(problem => [problem.code, problem.message])).toEqual([
    [
      'link-kind-mismatch',
      '"foo" does not agree with its declaration in a.o: the kernel\'s configuration value (__kconfig) here, its symbol (__ksym) there',
    ],
  ]);
});

test('a reference follows the winner, whatever came first', () => {
  for (const order of [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ]) {
    const inputs = [
      objectOf('user.o', [
        { name: 'main', kind: 'function', section: 'xdp', calls: ['foo'] },
        { name: 'foo', kind: 'extern function' },
      ]),
      objectOf('weak.o', [{ name: 'foo', kind: 'function', binding: 'weak', value: 1 }]),
      objectOf('strong.o', [{ name: 'foo', kind: 'function', value: 2 }]),
    ];
    const result = link(order.flatMap(index => inputs[index] ?? []));
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const main = result.object.symbols.find(symbol => symbol.name === 'main');
    const reference = main?.kind === 'function' ? main.references[0] : undefined;
    const callee = result.object.symbols[reference?.symbol ?? -1];
    expect(callee?.kind === 'function' && callee.code[4], order.join()).toBe(2);
    expect(result.report.discarded).toEqual([
      { name: 'foo', kind: 'function', file: 'weak.o', size: 16, reason: 'weak', winner: 'strong.o' },
    ]);
  }
});

test('a definition satisfies a kernel function extern of its name, in both orders', () => {
  const user = objectOf('user.o', [
    { name: 'main', kind: 'function', calls: ['foo'] },
    { name: 'foo', kind: 'kfunc' },
  ]);
  const provider = objectOf('lib.o', [{ name: 'foo', kind: 'function', value: 3 }]);
  for (const inputs of [
    [user, provider],
    [provider, user],
  ]) {
    expect(outcome(inputs)).toBe('lib.o');
  }
});

test('tentative definitions: the largest is allocated, any other definition wins', () => {
  const small = objectOf('a.o', [{ name: 'foo', kind: 'common' }]);
  const strong = objectOf('s.o', [{ name: 'foo', kind: 'variable', value: 9 }]);
  const both = link([small, objectOf('b.o', [{ name: 'foo', kind: 'common' }])]);
  if (!both.ok) throw new Error(JSON.stringify(both.problems));
  expect(both.object.symbols.filter(symbol => symbol.name === 'foo')).toHaveLength(1);
  expect(outcome([small, strong])).toBe('s.o');
  expect(outcome([strong, small])).toBe('s.o');
});

test('hidden anywhere is hidden everywhere', () => {
  const result = link([
    objectOf('a.o', [{ name: 'foo', kind: 'function' }]),
    objectOf('b.o', [{ name: 'foo', kind: 'extern function', visibility: 'hidden' }]),
  ]);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  expect(result.object.symbols.find(symbol => symbol.name === 'foo')?.visibility).toBe('hidden');
});

test('all undefined names are reported at once, with who refers to them and what may have been meant', () => {
  const result = link([
    objectOf('a.o', [
      { name: 'main', kind: 'function', section: 'xdp', calls: ['fo', 'helper'] },
      { name: 'fo', kind: 'extern function' },
      { name: 'helper', kind: 'extern function' },
    ]),
    objectOf('b.o', [
      { name: 'foo', kind: 'function' },
      { name: 'helper', kind: 'function', binding: 'local' },
    ]),
  ]);
  expect(result.ok).toBe(false);
  if (result.ok) return;
  expect(result.problems.map(problem => [problem.code, problem.message, problem.hint])).toEqual([
    ['link-undefined', '"fo" is not defined in any input', 'did you mean "foo"?'],
    [
      'link-undefined',
      '"helper" is not defined in any input',
      '"helper" is defined as static in b.o: remove "static" there',
    ],
  ]);
  expect(result.problems[0]?.details).toEqual([
    'extern s32 fo(void)',
    'referred to by a.o: "main", at 0, a.o.c:7: return 0;',
  ]);
});

test.each([
  { kind: 'function', missing: 'extern function' },
  { kind: 'variable', missing: 'extern variable' },
  { kind: 'map', missing: 'extern map' },
] as const)('a $kind that is not there: near names, and static ones', ({ kind, missing }) => {
  const user = objectOf('a.o', [
    { name: 'count', kind: missing },
    { name: 'limit', kind: missing },
  ]);
  const near = objectOf('b.o', [
    { name: 'counts', kind },
    { name: 'limit', kind, binding: 'local' },
  ]);
  const result = link([user, near]);
  expect(!result.ok && result.problems.map(problem => [problem.code, problem.hint])).toEqual([
    ['link-undefined', 'did you mean "counts"?'],
    ['link-undefined', '"limit" is defined as static in b.o: remove "static" there'],
  ]);
});

test('-r leaves strong externs open, and the result links on', () => {
  const open = link(
    [
      objectOf('a.o', [
        { name: 'main', kind: 'function', section: 'xdp', calls: ['foo'] },
        { name: 'foo', kind: 'extern function' },
      ]),
    ],
    { partial: true },
  );
  if (!open.ok) throw new Error(JSON.stringify(open.problems));
  const again = readObject({ name: 'partial.o', bytes: writeObject(open.object) });
  expect(outcome([again, objectOf('b.o', [{ name: 'foo', kind: 'function', value: 5 }])])).toBe('b.o');
});

test('two strong definitions: both files are named', () => {
  const result = link([
    objectOf('a.o', [{ name: 'foo', kind: 'function' }]),
    objectOf('b.o', [{ name: 'foo', kind: 'function' }]),
  ]);
  expect(result.ok).toBe(false);
  if (result.ok) return;
  expect(result.problems[0]?.details).toEqual([
    'a.o: s32 foo(void) in section ".text", a.o.c:7',
    'b.o: s32 foo(void) in section ".text", b.o.c:7',
  ]);
});

test('maps that do not agree are shown as the C that defines them', () => {
  const result = link([
    objectOf('a.o', [{ name: 'rules', kind: 'map', value: 8 }]),
    objectOf('b.o', [{ name: 'rules', kind: 'extern map', value: 9 }]),
  ]);
  expect(!result.ok && result.problems.map(problem => [problem.message, problem.details])).toEqual([
    [
      '"rules" does not agree with its definition in a.o: max_entries is 9 here and 8 there',
      [
        'a.o: struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 8); } rules',
        'b.o: extern struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 9); } rules',
      ],
    ],
  ]);
});
