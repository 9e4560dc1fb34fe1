/** COMDAT groups: what is dropped with a group, and what may not refer to it. */

import { describe, expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { link } from '../link.ts';

/** A program that calls an inline function, whose group has a static function, too. */
function user(name: string, calls: readonly string[]): BpfObject {
  const object = objectOf(name, [
    { name: `prog_${name[0]}`, kind: 'function', section: 'xdp', calls },
    { name: 'inline', kind: 'function', binding: 'weak', calls: ['detail'] },
    { name: 'detail', kind: 'function', binding: 'local' },
  ]);
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' && !symbol.name.startsWith('prog') ? { ...symbol, comdat: 'inline' } : symbol,
  );
  return { ...object, symbols };
}

function named(objects: readonly BpfObject[], name: string): unknown[] {
  const result = link(objects);
  return result.ok
    ? result.object.symbols.filter(symbol => symbol.name === name)
    : result.problems.map(String);
}

describe('two files with one group', () => {
  const objects = [user('a.o', ['inline']), user('b.o', ['inline'])];

  test('all symbols of the second are dropped, static ones too', () => {
    expect(named(objects, 'inline')).toHaveLength(1);
    expect(named(objects, 'detail')).toHaveLength(1);
    expect(named([...objects].reverse(), 'detail')).toHaveLength(1);
  });

  test('strong copies are not duplicates', () => {
    const strong = objects.map(object => ({
      ...object,
      symbols: object.symbols.map(symbol =>
        symbol.name === 'inline' ? { ...symbol, binding: 'global' as const } : symbol,
      ),
    }));
    expect(named(strong, 'inline')).toHaveLength(1);
  });

  test('a strong definition elsewhere is chosen', () => {
    const strong = objectOf('c.o', [{ name: 'inline', kind: 'function', value: 9 }]);
    const result = link([...objects, strong]);
    expect(result.ok && result.report.symbols.find(({ name }) => name === 'inline')?.file).toBe('c.o');
  });
});

test('a reference into a dropped group from outside', () => {
  const result = link([user('a.o', ['inline']), user('b.o', ['detail'])]);
  expect(result.ok ? [] : result.problems).toMatchObject([
    { code: 'link-discarded-group', where: ['b.o', '"prog_b"'], subject: 'detail' },
  ]);
});
