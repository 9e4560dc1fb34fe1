import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { link } from '../link.ts';
import { wrapSymbols } from './wrap.ts';

const extern = (name: string): SymbolSpec => ({ name, kind: 'extern function' });
const fn = (name: string, ...calls: string[]): SymbolSpec => ({ name, kind: 'function', calls });

const user = objectOf('user.o', [fn('use', 'foo'), extern('foo')]);
const wrapper = objectOf('wrapper.o', [fn('__wrap_foo', '__real_foo'), extern('__real_foo')]);
const original = objectOf('original.o', [fn('foo'), fn('own', 'foo')]);

/** Names that a function calls. */
function calls(object: BpfObject, name: string): string[] {
  const symbol = object.symbols.find(candidate => candidate.name === name);
  if (symbol?.kind !== 'function') throw new Error(`no function ${name}`);
  return symbol.references.map(reference => object.symbols[reference.symbol]?.name ?? '');
}

describe('in a link', () => {
  test.each([[[user, wrapper, original]], [[original, wrapper, user]], [[wrapper, user, original]]])(
    'references go to the wrapper, and from there to the original',
    inputs => {
      const result = link(inputs, { edits: { wrap: [{ name: 'foo' }] } });
      if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
      expect(calls(result.object, 'use')).toEqual(['__wrap_foo']);
      expect(calls(result.object, '__wrap_foo')).toEqual(['foo']);
      expect(calls(result.object, 'own')).toEqual(['foo']); // what the file itself defines is not a reference to others
    },
  );

  test('one file alone may be wrapped', () => {
    const other = objectOf('other.o', [fn('plain', 'foo'), extern('foo')]);
    const inputs = [user, other, wrapper, original];
    const selectors = [
      { name: 'foo', file: 'user.o' },
      { name: 'foo', file: 'wrapper.o' },
    ];
    const result = link(inputs, { edits: { wrap: selectors } });
    if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
    expect(calls(result.object, 'use')).toEqual(['__wrap_foo']);
    expect(calls(result.object, 'plain')).toEqual(['foo']);
  });

  test('a wrapper that is not there is undefined', () => {
    const result = link([user, original], { edits: { wrap: [{ name: 'foo' }] } });
    expect(result.ok ? [] : result.problems).toMatchObject([
      { code: 'link-undefined', where: ['user.o'], message: '"__wrap_foo" is not defined in any input' },
    ]);
  });

  test('a wrapper of another type is reported', () => {
    const wrong = objectOf('wrong.o', [{ ...fn('__wrap_foo'), size: 8 }]);
    const result = link([user, wrong, original], { edits: { wrap: [{ name: 'foo' }] } });
    expect(result.ok ? [] : result.problems.map(problem => problem.code)).toEqual(['link-type-mismatch']);
  });

  test('a name that no file refers to is reported', () => {
    const result = link([user, original], { edits: { wrap: [{ name: 'fooo' }] } });
    expect(result.ok ? [] : result.problems).toMatchObject([
      {
        code: 'link-unknown-symbol',
        message: 'cannot wrap "fooo": no input declares it extern',
        hint: 'did you mean "foo"?',
      },
    ]);
  });
});

describe('as a pass', () => {
  test('both externs of a file become one where their names meet', () => {
    const both = objectOf('both.o', [fn('use', 'foo', '__wrap_foo'), extern('foo'), extern('__wrap_foo')]);
    const { object, problems } = wrapSymbols(both, ['foo']);
    expect(problems).toEqual([]);
    expect(object.symbols.map(symbol => symbol.name)).toEqual(['use', '__wrap_foo']);
    expect(calls(object, 'use')).toEqual(['__wrap_foo', '__wrap_foo']);
  });

  test('a name that is not there leaves the object as it is', () => {
    const { object, problems } = wrapSymbols(original, ['foo']);
    expect(object).toBe(original);
    expect(problems).toMatchObject([{ code: 'link-unknown-symbol', where: ['original.o'] }]);
  });
});
