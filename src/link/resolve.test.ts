import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../test/support/objects.ts';
import { type BpfObject, readObject, writeObject } from '../object/index.ts';
import { link } from './index.ts';

/** What one file may say about the name. */
const ROLES = ['extern', 'weak extern', 'weak', 'strong', 'nothing'] as const;
type Role = (typeof ROLES)[number];

type Kind = 'function' | 'variable';

function specOf(kind: Kind, role: Role, file: number): SymbolSpec[] {
  const value = file + 1;
  switch (role) {
    case 'extern':
      return [{ name: 'foo', kind: `extern ${kind}` }];
    case 'weak extern':
      return [{ name: 'foo', kind: `extern ${kind}`, binding: 'weak' }];
    case 'weak':
      return [{ name: 'foo', kind, binding: 'weak', value }];
    case 'strong':
      return [{ name: 'foo', kind, value }];
    case 'nothing':
      return [];
  }
}

/** What an ELF linker does: the value that `foo` has, 'open' when it stays a weak reference, or the error. */
function expected(roles: readonly Role[]): string {
  const strong = roles.flatMap((role, file) => (role === 'strong' ? [file] : []));
  const weak = roles.flatMap((role, file) => (role === 'weak' ? [file] : []));
  if (strong.length > 1) return 'link-duplicate';
  const winner = strong[0] ?? weak[0];
  if (winner !== undefined) return String(winner + 1);
  if (roles.includes('extern')) return 'link-undefined';
  return roles.includes('weak extern') ? 'open' : 'absent';
}

function outcome(objects: readonly BpfObject[]): string {
  const result = link(objects);
  if (!result.ok) return result.problems.map(problem => problem.code).join(' ');
  const found = result.object.symbols.filter(symbol => symbol.name === 'foo');
  expect(found.length).toBeLessThanOrEqual(1);
  const [symbol] = found;
  if (symbol === undefined) return 'absent';
  if (symbol.kind === 'extern') return 'open';
  // li r0, VALUE is the first instruction of a function; a variable starts with its value
  return String(
    symbol.kind === 'function' ? symbol.code[4] : symbol.kind === 'variable' ? symbol.bytes?.[0] : '',
  );
}

function* sequences(length: number): Generator<Role[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const rest of sequences(length - 1)) for (const role of ROLES) yield [...rest, role];
}

describe('every permutation of extern, weak and strong', () => {
  for (const kind of ['function', 'variable'] as const) {
    for (const files of [1, 2, 3, 4]) {
      test(`${kind}s in ${files} file(s)`, () => {
        for (const roles of sequences(files)) {
          const objects = roles.map((role, file) => objectOf(`f${file}.o`, specOf(kind, role, file)));
          expect(outcome(objects), roles.join(', ')).toBe(expected(roles));
        }
      });
    }
  }
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
    expect(outcome(inputs)).toBe('3');
  }
});

test('tentative definitions: the largest is allocated, any other definition wins', () => {
  const small = objectOf('a.o', [{ name: 'foo', kind: 'common' }]);
  const strong = objectOf('s.o', [{ name: 'foo', kind: 'variable', value: 9 }]);
  const both = link([small, objectOf('b.o', [{ name: 'foo', kind: 'common' }])]);
  if (!both.ok) throw new Error(JSON.stringify(both.problems));
  expect(both.object.symbols.filter(symbol => symbol.name === 'foo')).toHaveLength(1);
  expect(outcome([small, strong])).toBe('9');
  expect(outcome([strong, small])).toBe('9');
});

test('hidden anywhere is hidden everywhere', () => {
  const result = link([
    objectOf('a.o', [{ name: 'foo', kind: 'function' }]),
    objectOf('b.o', [{ name: 'foo', kind: 'extern function', visibility: 'hidden' }]),
  ]);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  expect(result.object.symbols.find(symbol => symbol.name === 'foo')?.visibility).toBe('hidden');
});

test('all undefined names are told at once, with who refers to them and what may have been meant', () => {
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
  const again = readObject(writeObject(open.object), 'partial.o');
  expect(outcome([again, objectOf('b.o', [{ name: 'foo', kind: 'function', value: 5 }])])).toBe('5');
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
