/** Externs without a type, maps without their section, and references to the wrong kind of symbol. */

import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { Problem } from '../../diag/problem.ts';
import { kindOfExtern } from '../../object/analysis/extern-kinds.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { link } from '../link.ts';

/** The object with externs as assembly has them: no type, no section. */
function untyped(object: BpfObject): BpfObject {
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'extern' ? { ...symbol, btfId: 0, section: null } : symbol,
  );
  return { ...object, symbols };
}

function user(kind: SymbolSpec['kind'], reference: 'calls' | 'uses'): BpfObject {
  const prog: SymbolSpec = { name: 'prog', kind: 'function', section: 'xdp', [reference]: ['foo'] };
  return objectOf('user.o', [prog, { name: 'foo', kind }]);
}

function definition(kind: SymbolSpec['kind']): BpfObject {
  return objectOf('definition.o', [{ name: 'foo', kind }]);
}

function problemsOf(objects: readonly BpfObject[]): readonly Problem[] {
  const result = link(objects);
  return result.ok ? [] : result.problems;
}

function codes(objects: readonly BpfObject[]): string[] {
  return problemsOf(objects).map(({ code }) => code);
}

const KINDS = ['function', 'variable', 'map'] as const;

describe.each(KINDS)('an extern without a type and a %s', kind => {
  test.each(['calls', 'uses'] as const)('that a program %s', reference => {
    const objects = [untyped(user('extern variable', reference)), definition(kind)];
    const expected = reference === 'calls' && kind !== 'function' ? ['link-reference-kind'] : [];
    expect(codes(objects)).toEqual(expected);
    expect(codes([...objects].reverse())).toEqual(expected);
  });

  test('a partial link leaves it, and the next one binds it', () => {
    const part = link([untyped(user('extern function', 'calls'))], { partial: true });
    const linked = part.ok ? codes([part.object, definition(kind)]) : ['not linked'];
    expect(linked).toEqual(kind === 'function' ? [] : ['link-reference-kind']);
  });
});

test('the message names the reference, its line, and the definition', () => {
  const [problem] = problemsOf([user('extern variable', 'calls'), definition('variable')]);
  expect(problem).toMatchObject({
    code: 'link-reference-kind',
    where: ['user.o', 'function "prog"', 'insn 0'],
    message: 'calls "foo", which is a variable in definition.o',
    subject: 'foo',
  });
  expect(problem?.details?.at(-1)).toContain('user.o.c:7');
});

test('an extern that is bound explicitly is checked as well', () => {
  const other = objectOf('other.o', [{ name: 'bar', kind: 'variable' }]);
  const bind = [{ consumer: 'user.o', extern: 'foo', target: 'bar' }];
  const result = link([untyped(user('extern function', 'calls')), other], { bind });
  expect(result.ok ? [] : result.problems.map(({ code }) => code)).toEqual(['link-reference-kind']);
});

describe('an extern map without its section', () => {
  const plain = (object: BpfObject): BpfObject => ({
    ...object,
    symbols: object.symbols.map(symbol => (symbol.kind === 'extern' ? { ...symbol, section: null } : symbol)),
  });

  test('is bound to a map of the same definition', () => {
    const objects = [plain(user('extern map', 'uses')), definition('map')];
    expect(codes(objects)).toEqual([]);
    expect(codes([...objects].reverse())).toEqual([]);
  });

  test('is compared with it', () => {
    const other = objectOf('definition.o', [{ name: 'foo', kind: 'map', value: 9 }]);
    expect(codes([plain(user('extern map', 'uses')), other])).toEqual(['link-map-mismatch']);
  });

  test('gets the section of another declaration in a partial link, in either order', () => {
    const objects = [
      plain(user('extern map', 'uses')),
      objectOf('b.o', [{ name: 'foo', kind: 'extern map' }]),
    ];
    for (const inputs of [objects, [...objects].reverse()]) {
      const result = link(inputs, { partial: true });
      const foo = result.ok ? result.object.symbols.find(({ name }) => name === 'foo') : undefined;
      expect(foo).toMatchObject({ kind: 'extern', section: '.maps' });
    }
  });

  test('an int is not a map', () => {
    expect(codes([user('extern variable', 'uses'), definition('map')])).toEqual(['link-kind-mismatch']);
  });
});

test('the kind of an extern is that of its declaration, else of its references', () => {
  const kindIn = (object: BpfObject): string | undefined =>
    kindOfExtern(
      object,
      object.symbols.findIndex(({ name }) => name === 'foo'),
    );
  expect(kindIn(user('extern variable', 'calls'))).toBe('variable');
  expect(kindIn(user('extern map', 'uses'))).toBe('map');
  expect(kindIn(untyped(user('extern variable', 'calls')))).toBe('function');
  expect(kindIn(untyped(user('extern variable', 'uses')))).toBeUndefined();
});
